// Options of `reprise train`, section [train]; the model's shape is in section [model]
// (models/options.h).
#pragma once

#include "base/device.h"
#include "base/options.h"
#include "train/objective.h"
#include "train/optimiser.h"
#include "train/schedule.h"

namespace reprise {

enum class Precision { kFp32, kBf16 };
template <>
struct EnumNames<Precision> {
  static constexpr std::array names{std::pair{Precision::kFp32, "fp32"},
                                    std::pair{Precision::kBf16, "bf16"}};
};

struct TrainOptions {
  std::string corpus, out, start_from;
  int64_t steps = 300, sequences = 16, micro_sequences = 0;
  int64_t seed = 1, threads = 0;
  DeviceChoice device = DeviceChoice::kAuto;
  int64_t checkpoint_every = 200;
  Precision precision = Precision::kBf16;
  bool deterministic = true;
  ObjectiveOptions objective;
  OptimiserOptions optimiser;
  ScheduleOptions schedule;

  template <class Visitor>
  void visit(Visitor&& field) {
    field("corpus", corpus, "folder", "what `reprise data` wrote; its train split is read");
    field("out", out, "folder",
          "where the model, the metrics and the checkpoints are written; holds one run");
    field("start-from", start_from, "folder",
          "of a trained model whose weights the run begins with: one of the same shape, or for a "
          "recurrent or relaxed model a static one that has a layer for each pass over each layer "
          "of the core; empty: weights are drawn");
    field("steps", steps, "steps", "optimiser steps");
    field("sequences", sequences, "sequences", "of model.context tokens in a step, over all ranks");
    field("micro-sequences", micro_sequences, "sequences",
          "a rank runs at once, to save memory; 0: all of its share");
    field("precision", precision, "", "arithmetic of the passes; weights and sums stay fp32");
    field("seed", seed, "", "of the initial weights and of the order of the text");
    field("device", device, "",
          "where tensors live: cuda takes one GPU a rank; auto: cuda in a program built for it, "
          "where "
          "every rank sees a GPU, else cpu");
    field("threads", threads, "threads per rank",
          "0: the cores of this machine shared out among the ranks");
    field("deterministic", deterministic, "", "only algorithms that give the same bits each time");
    field("checkpoint-every", checkpoint_every, "steps",
          "between checkpoints; 0: only when a signal stops the run");
    objective.visit(field);
    optimiser.visit(field);
    schedule.visit(field);
  }
};

/// Throws kUsage, in one line, also where this machine lacks the device asked for.
void validate(const TrainOptions& options, const ModelOptions& model);
/// The same of what would be trained, wherever and from whatever text: for who only asks what it
/// costs.
void validate_recipe(const TrainOptions& options, const ModelOptions& model);

at::ScalarType compute_type(Precision precision);

}  // namespace reprise
