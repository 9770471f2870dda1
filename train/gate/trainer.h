// One step of a gate head's data-parallel training: the samples of this rank's share of the batch,
// forward and backward through the head, gradients summed over the ranks, one division by the
// tokens of all, one update. Knows neither the model nor files.
#pragma once

#include <memory>
#include <string>

#include "base/comm/communicator.h"
#include "train/adamw.h"
#include "train/gate/options.h"
#include "train/reducer.h"

namespace reprise {

/// Means over the tokens of all ranks.
struct GateReport {
  double loss = 0;         ///< with the budget's term
  double label_share = 0;  ///< mean label
  double open_share = 0;   ///< mean of how far the gate is open
  double gain_nats = 0;    ///< L1 - L2
  double multiplier = 0;   ///< of the budget `dual`, as the step took it
  double gradient_norm = 0, rate_factor = 1;
  std::string fault;  ///< what was not finite, and on which rank; empty: nothing, and the weights
                      ///< were updated
};

/// The head is trained in fp64: it is small, and where positives are weighted as in the first batch
/// the gradient of its bias begins at exactly 0. In fp32 that would be rounding, another one for
/// every number of ranks, which AdamW scales up to a whole step.
class GateTrainer {
 public:
  /// `width` is the model's. `comm`, on the host, must outlive it. All ranks start from the same
  /// weights, which follow from the options.
  GateTrainer(const GateOptions& options, int64_t width, Communicator& comm,
              at::Device device = at::kCPU);

  /// Before the first step, unless state() was restored: the share of positives, as given or as in
  /// the first batch. Collective. Throws kUsage where that share is 0 or 1.
  void balance(const SampleSource& samples);

  /// Runs step `step` on all ranks, on batch `step` modulo options.distinct_batches(). Where
  /// anything is not finite no weight changes, on any rank.
  GateReport step(int64_t step, const SampleSource& samples);

  const GateHead& head() const { return head_; }
  double positive_share() const { return positive_share_.item<double>(); }
  double multiplier() const { return multiplier_.item<double>(); }
  /// All that a later step depends on: weights, moments, share of positives, multiplier.
  StateShare state() const;

 private:
  struct Sums;
  Sums run(int64_t step, const SampleSource& samples);
  std::string find_fault(const Sums& mine, const Sums& all);
  void update(int64_t step, const GateReport& report);
  double tokens_of(const GateSamples& samples) const;

  GateOptions options_;
  Communicator& comm_;
  GateHead head_;
  AdamW weights_, biases_;
  Gradients gradients_;
  std::unique_ptr<Reducer> reducer_;
  at::Tensor positive_share_, multiplier_;  ///< fp64 [1], as checkpoints hold them
};

}  // namespace reprise
