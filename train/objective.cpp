#include "train/objective.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>

#include "models/cost.h"

namespace reprise {
namespace {

constexpr double kBackwardAndForward = 3;  // backward multiplies by weights and by activations

constexpr double kLargestKappa = 1e6;  // fp32 holds the sum of a batch's nats times this

LossPart part_of(const at::Tensor& nats) { return {nats.detach().sum(at::kDouble), nats.numel()}; }

/// L_R, the cross-entropy after the last base pass.
class FinalOnly final : public Objective {
 public:
  explicit FinalOnly(const ModelOptions& model) : model_(model) {}

  Loss loss(const Network& network, const Batch& batch, double) const override {
    const BasePasses base = network.base_passes(batch.inputs_BT);
    const at::Tensor nats_BT = network.cross_entropy(base.features_BTD, batch.targets_BT);
    return {nats_BT.sum(), {part_of(nats_BT)}};
  }
  std::vector<std::string> parts(double) const override { return {"final"}; }
  double flops_per_token(double) const override {
    return kBackwardAndForward * base_flops(model_, mean_position(model_));
  }

 private:
  ModelOptions model_;
};

class DeepSupervision final : public Objective {
 public:
  DeepSupervision(const PassWeights& weights, const ModelOptions& model)
      : weights_(weights), model_(model) {}

  Loss loss(const Network& network, const Batch& batch, double progress) const override {
    const auto weights = pass_weights(weights_, model_.passes, progress);
    const BasePasses base = network.base_passes(batch.inputs_BT, {.all_passes = true});
    Loss loss;
    std::vector<at::Tensor> nats;
    std::vector<double> nats_weights;
    for (int64_t pass = model_.passes - 1; pass >= 0; --pass) {
      const double weight = weights[static_cast<size_t>(pass)];
      if (weight == 0) continue;  // an annealed pass costs nothing any more
      nats.push_back(network.cross_entropy(network.readout(base, pass), batch.targets_BT));
      nats_weights.push_back(weight);
      loss.parts.push_back(part_of(nats.back()));
    }
    loss.nats = deep_supervision(nats, nats_weights);
    return loss;
  }
  std::vector<std::string> parts(double progress) const override {
    const auto weights = pass_weights(weights_, model_.passes, progress);
    std::vector<std::string> names;
    for (int64_t pass = model_.passes; pass >= 1; --pass)
      if (weights[static_cast<size_t>(pass - 1)] > 0) names.push_back(concat("pass_", pass));
    return names;
  }
  double flops_per_token(double progress) const override {
    const PassWork work = mean_position(model_);
    const auto more_readouts = static_cast<double>(parts(progress).size() - 1);
    return kBackwardAndForward *
           (base_flops(model_, work) + more_readouts * readout_flops(model_, work));
  }

 private:
  PassWeights weights_;
  ModelOptions model_;
};

class GatedRefinement final : public Objective {
 public:
  GatedRefinement(const ObjectiveOptions& options, const ModelOptions& model)
      : options_(options), model_(model) {}

  Loss loss(const Network& network, const Batch& batch, double) const override {
    const BasePasses base = network.base_passes(batch.inputs_BT, {.keys = true});
    const at::Tensor coarse_BT = network.cross_entropy(base.features_BTD, batch.targets_BT);
    const at::Tensor rows_M =
        pick_most_uncertain(uncertainty(network, base.features_BTD), options_.refine_share);
    const at::Tensor targets_M = batch.targets_BT.flatten().index_select(0, rows_M);
    const at::Tensor refined_M =
        network.cross_entropy(network.refine_rows(base, rows_M), targets_M);

    const LossPart coarse = part_of(coarse_BT), refined = part_of(refined_M);
    const LossPart before = part_of(coarse_BT.detach().flatten().index_select(0, rows_M));
    const LossPart gated{coarse.nats - before.nats + refined.nats, coarse.tokens};
    return {gated_refinement(coarse_BT, refined_M, rows_M, options_.kappa),
            {gated, coarse, refined, before}};
  }
  std::vector<std::string> parts(double) const override {
    return {"gated", "coarse", "refined", "refined_before"};
  }
  double flops_per_token(double) const override {
    const PassWork work = mean_position(model_);
    const double trained =
        base_flops(model_, work) + options_.refine_share * refinement_flops(model_, work);
    const double gate =
        2.0 * static_cast<double>(model_.width * model_.vocab);  // reads the head once more
    return kBackwardAndForward * trained + gate;
  }

 private:
  /// Entropy of every coarse prediction, a sequence at a time: all logits at once can be larger
  /// than the model.
  static at::Tensor uncertainty(const Network& network, const at::Tensor& features_BTD) {
    const torch::autograd::AutoGradMode no_graph(false);
    std::vector<at::Tensor> entropies_T;
    for (const at::Tensor& features_TD : features_BTD.unbind(0))
      entropies_T.push_back(entropy_nats(network.logits(features_TD)));
    return at::stack(entropies_T);
  }

  ObjectiveOptions options_;
  ModelOptions model_;
};

}  // namespace

void validate(const ObjectiveOptions& options, const ModelOptions& model) {
  require(options.kind == ObjectiveKind::kFinalOnly || model.family == Family::kRecurrent,
          ExitCode::kUsage, "train.objective ", enum_name(options.kind),
          " needs shared passes; the ", enum_name(model.family), " family takes final-only");
  require(options.passes.decay > 0 && options.passes.decay <= 1, ExitCode::kUsage,
          "train.pass-decay is ", options.passes.decay, "; it lies in (0, 1]");
  require(options.passes.anneal_share > 0 && options.passes.anneal_share <= 1, ExitCode::kUsage,
          "train.anneal-share is ", options.passes.anneal_share, "; it lies in (0, 1]");
  require(options.refine_share >= 0 && options.refine_share <= 1, ExitCode::kUsage,
          "train.refine-share is ", options.refine_share, "; it lies in [0, 1]");
  require(options.kind != ObjectiveKind::kGatedRefinement || options.refine_share == 0 ||
              rows_to_refine(options.refine_share, model.context) > 0,
          ExitCode::kUsage, "train.refine-share ", options.refine_share,
          " picks no position of a sequence of ", model.context, "; the least that does is ",
          0.5 / static_cast<double>(model.context), ", and 0 refines nothing");
  require(0 <= options.kappa && options.kappa <= kLargestKappa, ExitCode::kUsage, "train.kappa is ",
          options.kappa, "; it must be from 0 to ", kLargestKappa);
}

std::unique_ptr<Objective> make_objective(const ObjectiveOptions& options,
                                          const ModelOptions& model) {
  validate(options, model);
  switch (options.kind) {
    case ObjectiveKind::kDeepSupervision:
      return std::make_unique<DeepSupervision>(options.passes, model);
    case ObjectiveKind::kGatedRefinement:
      return std::make_unique<GatedRefinement>(options, model);
    case ObjectiveKind::kFinalOnly:
      break;
  }
  return std::make_unique<FinalOnly>(model);
}

}  // namespace reprise
