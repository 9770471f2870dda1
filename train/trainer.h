// One step of data-parallel training: forward and backward over this rank's share of the batch,
// gradients summed over the ranks meanwhile, one division by the tokens of all ranks, one update.
// Knows no files.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/comm/communicator.h"
#include "data/batches.h"
#include "train/average.h"
#include "train/model_file.h"
#include "train/options.h"
#include "train/reducer.h"
#include "train/shards.h"
#include "train/weight_gather.h"

namespace reprise {

/// Sequences [first, first + count) of the global batch of `step`.
using BatchSource = std::function<TokenBatch(int64_t step, int64_t first, int64_t count)>;

/// Means over the tokens of all ranks, in nats per token.
struct StepReport {
  double loss = 0;  ///< the objective
  std::vector<std::pair<std::string, double>> parts;
  std::vector<std::pair<std::string, double>> measures;  ///< in units of their own
  int64_t passes = 1;                                    ///< base passes of the step
  double gradient_norm = 0;  ///< over all parameters, before clipping; the same bits on every rank
  double rate_factor = 1;
  std::string fault;  ///< what was not finite, and on which rank; empty: nothing, and the weights
                      ///< were updated
};

class Trainer {
 public:
  /// `comm`, on the host, must outlive it. All ranks start from the same weights, which follow from
  /// the options and are the same bits on every device.
  Trainer(const ModelOptions& model, const TrainOptions& options, Communicator& comm,
          at::Device device = at::kCPU);

  /// Before the first step: begins with the weights of a trained model (start.h). Collective.
  void start_from(const ModelFile& file);

  /// Runs step `step` on all ranks. Where the loss or a gradient is not finite no weight changes,
  /// on any rank. On a GPU the update may still be running when this returns.
  StepReport step(int64_t step, const BatchSource& batches);

  /// Behind the last step: makes the weights their average, where options ask for one. Collective.
  void finish();

  const Parameters& parameters() const { return parameters_; }
  /// "weight.<name>" of every parameter, the optimiser's state and the average: all that a later
  /// step depends on.
  StateShare state() const;

  int64_t tokens_per_step() const { return options_.sequences * model_.context; }
  double flops_per_step(int64_t step) const;

 private:
  struct Sums;
  class RunningSums;
  /// Forward and backward over this rank's share; `last` says what the last micro-batch's backward
  /// is. Where it is kPartial too, nothing is reduced.
  RunningSums run_passes(int64_t step, const BatchSource& batches, Backward last);
  std::string find_fault(const Sums& mine, const Sums& all, int64_t step,
                         const BatchSource& batches);
  void update(StepOf at, const StepReport& report);
  /// Where each rank has changed the weights it owns, sends them to all.
  void gather_weights();

  ModelOptions model_;
  TrainOptions options_;
  Communicator& comm_;
  at::Device device_;
  at::ScalarType compute_;
  Parameters parameters_;
  std::unique_ptr<Objective> objective_;
  std::vector<int> owner_of_;    ///< parameters' ranks; empty where every rank updates all
  std::vector<Parameter> mine_;  ///< what this rank updates
  Optimiser optimiser_;
  WeightAverage average_;
  Gradients gradients_;
  std::shared_ptr<Transport> transport_;  ///< none on a lone rank
  std::unique_ptr<Reducer> reducer_;
  GradientHooks hooks_;
  WeightGather gather_;
};

}  // namespace reprise
