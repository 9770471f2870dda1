// What a study file may say of one arm: the sections of the commands that make and score a model.
#pragma once

#include <string>

#include "base/options.h"
#include "eval/options.h"
#include "models/artifact/options.h"
#include "models/options.h"
#include "train/options.h"

namespace reprise {

struct ArmOptions {
  ModelOptions model;
  TrainOptions train;
  PackOptions pack;
  EvalOptions eval;

  /// Binds them as "<prefix>model", "<prefix>train", ...
  void bind(OptionSet& set, const std::string& prefix) {
    set.add(prefix + "model", model)
        .add(prefix + "train", train)
        .add(prefix + "pack", pack)
        .add(prefix + "eval", eval);
  }
};

}  // namespace reprise
