// Every option a study file may hold, as typed values: what study_file.cpp fills and validates.
#pragma once

#include <list>
#include <string>

#include "base/options.h"
#include "data/options.h"
#include "eval/options.h"
#include "eval/report/options.h"
#include "eval/verdict/options.h"
#include "launch/study/options.h"
#include "models/artifact/packing/options.h"
#include "models/calibration/measure.h"
#include "models/options.h"
#include "train/options.h"

namespace reprise {

/// The sections of the commands that make and score a model.
struct ArmOptions {
  ModelOptions model;
  TrainOptions train;
  PackOptions pack;
  UseOptions use;
  EvalOptions eval;

  /// Binds them as "<prefix>model", "<prefix>train", ...
  void bind(OptionSet& set, const std::string& prefix);
};

struct DeclaredArm {
  std::string name;
  ArmOptions options;
};

struct Declared {
  StudyOptions study;
  DataOptions data;
  VerdictOptions verdict;
  ReportOptions report;
  ArmOptions all;               ///< what holds for every arm
  std::list<DeclaredArm> arms;  ///< a list: options bound to an arm must not move

  OptionSet bind();
};

/// Throws kUsage where a value is out of range or two contradict one another.
void validate(const Declared& declared);

/// Throws kUsage where an option that the study gives its nodes (paths, seeds, threads) was set.
void require_unset(Declared& declared);

}  // namespace reprise
