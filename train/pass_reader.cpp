#include "train/pass_reader.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "train/losses.h"

namespace reprise {

void PassUse::add(const PassUse& other) {
  keys = keys || other.keys;
  states = states || other.states;
  routers = routers || other.routers;
  uncertainty = uncertainty || other.uncertainty;
  readouts.insert(other.readouts.begin(), other.readouts.end());
  flops += other.flops;
}

PassReader::PassReader(const Network& network, const Batch& batch, const StepDepth& depth,
                       const PassUse& use)
    : network_(network),
      batch_(batch),
      depth_(depth),
      base_(network.base_passes(batch.inputs_BT,
                                {.keys = use.keys,
                                 .all_passes = use.states || !use.readouts.empty(),
                                 .routers = use.routers},
                                {.passes = depth.passes, .graph_passes = depth.graph_passes})),
      features_(static_cast<size_t>(depth.passes)),
      nats_(static_cast<size_t>(depth.passes)) {}

at::Tensor PassReader::state_MD(int64_t pass) const {
  require(std::ssize(base_.streams_P) == depth_.passes, ExitCode::kFailure,
          "the states of the passes were not kept");
  return base_.streams_P[static_cast<size_t>(pass)].hidden_MD;
}

const at::Tensor& PassReader::features_BTD(int64_t pass) {
  at::Tensor& features = features_[static_cast<size_t>(pass)];
  const torch::autograd::AutoGradMode mode(at::GradMode::is_enabled() &&
                                           pass >= depth_.first_with_graph());
  if (!features.defined()) features = network_.readout(base_, pass);
  return features;
}

const at::Tensor& PassReader::nats_BT(int64_t pass) {
  at::Tensor& nats = nats_[static_cast<size_t>(pass)];
  const torch::autograd::AutoGradMode mode(at::GradMode::is_enabled() &&
                                           pass >= depth_.first_with_graph());
  if (!nats.defined()) nats = network_.cross_entropy(features_BTD(pass), batch_.targets_BT);
  return nats;
}

const at::Tensor& PassReader::uncertainty_BT() {
  if (uncertainty_BT_.defined()) return uncertainty_BT_;
  const torch::autograd::AutoGradMode no_graph(false);
  // A sequence at a time: all logits at once can be larger than the model.
  std::vector<at::Tensor> entropies_T;
  for (const at::Tensor& features_TD : base_.features_BTD.unbind(0))
    entropies_T.push_back(entropy_nats(network_.logits(features_TD)));
  uncertainty_BT_ = at::stack(entropies_T);
  return uncertainty_BT_;
}

}  // namespace reprise
