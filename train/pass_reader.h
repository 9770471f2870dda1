// The passes of one batch and what the parts of an objective read from them; each readout is made
// once, whichever parts ask for it. Passes that run without a graph are read without one.
#pragma once

#include <set>
#include <vector>

#include "models/cost/flops.h"
#include "models/network.h"
#include "train/depth.h"

namespace reprise {

/// Sequences of token ids and what follows each token.
struct Batch {
  at::Tensor inputs_BT, targets_BT;
  int64_t first_sequence = 0;  ///< of these, in the batch of all ranks
};

/// What a part of an objective takes from a step beside the model's prediction: the readout of its
/// last pass, or of what halting makes of them.
struct PassUse {
  bool keys = false;                ///< of the last pass
  bool states = false;              ///< of every pass, before the coda
  bool routers = false;             ///< what those of the base passes decided
  bool uncertainty = false;         ///< of the last pass's predictions
  std::set<int64_t> readouts = {};  ///< of these passes, from 0
  /// Backward goes not through the readout behind the base passes, which is for the record alone.
  bool prediction_is_record = false;
  StepFlops flops = {};  ///< per token, beside passes, readouts and uncertainty

  void add(const PassUse& other);
};

class PassReader {
 public:
  /// Runs the base passes. All references must outlive it.
  PassReader(const Network& network, const Batch& batch, const StepDepth& depth,
             const PassUse& use);

  const Network& network() const { return network_; }
  const Batch& batch() const { return batch_; }
  const StepDepth& depth() const { return depth_; }
  const BasePasses& base() const { return base_; }
  int64_t last() const { return depth_.passes - 1; }

  /// Passes count from 0; all but the last need PassUse::states or readouts.
  at::Tensor state_MD(int64_t pass) const;
  const at::Tensor& features_BTD(int64_t pass);
  const at::Tensor& nats_BT(int64_t pass);  ///< cross-entropy
  /// Entropy in nats of the last pass's predictions, without a graph.
  const at::Tensor& uncertainty_BT();

 private:
  const Network& network_;
  const Batch& batch_;
  StepDepth depth_;
  BasePasses base_;
  std::vector<at::Tensor> features_, nats_;  ///< by pass; undefined until asked for
  at::Tensor uncertainty_BT_;
};

}  // namespace reprise
