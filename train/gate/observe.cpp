#include "train/gate/observe.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <cmath>

#include "train/losses.h"

namespace reprise {
namespace {

constexpr int64_t kMostPasses = 1024;  // as model.passes

/// What the predictions of the gate's pass say, one sequence at a time: all logits at once can be
/// larger than the model.
void read_predictions(const Network& network, const at::Tensor& features_BTD,
                      const at::Tensor& targets_BT, GateSamples& samples) {
  std::vector<at::Tensor> signals_TS, wrong_T;
  for (int64_t b = 0; b < features_BTD.size(0); ++b) {
    const at::Tensor logits_TV = network.logits(features_BTD[b]);
    signals_TS.push_back(gate_signals(logits_TV));
    wrong_T.push_back(logits_TV.argmax(-1).ne(targets_BT[b]).to(at::kFloat));
  }
  samples.signals_BTS = at::stack(signals_TS);
  samples.wrong_BT = at::stack(wrong_T);
}

at::Tensor least_later_nats(const Network& network, const Batch& batch,
                            const ObserveOptions& options, int64_t after, at::Tensor least_BT) {
  const BasePasses base =
      network.base_passes(batch.inputs_BT, {.all_passes = true}, {.passes = after + options.later});
  for (int64_t pass = after; pass < base.passes; ++pass)
    least_BT =
        at::minimum(least_BT, network.cross_entropy(network.readout(base, pass), batch.targets_BT));
  return least_BT;
}

}  // namespace

void validate(const ObserveOptions& options, const ModelOptions& model) {
  require(options.after >= 0 && options.later >= 0, ExitCode::kUsage, "gate.after is ",
          options.after, " and gate.later ", options.later, "; neither may be negative");
  require(options.after <= kMostPasses && options.later <= kMostPasses, ExitCode::kUsage,
          "gate.after is ", options.after, " and gate.later ", options.later, "; at most ",
          kMostPasses, " each");
  require(options.later == 0 || model.halting == Halting::kNone, ExitCode::kUsage,
          "gate.later compares with passes that a model with model.halting never reads out alone; "
          "leave it at 0");
  require(options.after <= model.passes || loops(model.family), ExitCode::kUsage, "gate.after is ",
          options.after, ", but a model of the ", enum_name(model.family),
          " family runs its layers once before a gate; give 0 or 1");
}

at::Tensor gate_signals(const at::Tensor& logits_NV) {
  const at::Tensor first_two_N2 = std::get<0>(at::softmax(logits_NV, -1).topk(2, /*dim=*/-1));
  const at::Tensor largest_N = first_two_N2.select(-1, 0);
  const double most_nats = std::log(static_cast<double>(logits_NV.size(-1)));
  return at::stack(
      {entropy_nats(logits_NV) / most_nats, largest_N - first_two_N2.select(-1, 1), largest_N}, -1);
}

GateSamples observe(const Network& network, const Batch& batch, const ObserveOptions& options,
                    bool keeps_state) {
  const torch::autograd::AutoGradMode no_graph(false);
  const int64_t after = options.after > 0 ? options.after : network.options().passes;
  const BasePasses base = network.base_passes(batch.inputs_BT, {.keys = true}, {.passes = after});
  GateSamples samples;
  samples.first_sequence = batch.first_sequence;
  if (keeps_state) samples.state_BTD = base.features_BTD.to(at::kFloat);
  read_predictions(network, base.features_BTD, batch.targets_BT, samples);
  samples.first_BT = network.cross_entropy(base.features_BTD, batch.targets_BT);
  samples.second_BT =
      network.cross_entropy(network.refine_all(base, options.rule), batch.targets_BT);
  samples.best_BT = samples.second_BT;
  if (options.later > 0)
    samples.best_BT = least_later_nats(network, batch, options, after, samples.second_BT);
  return samples;
}

}  // namespace reprise
