#include "train/objectives/primary.h"

#include <ATen/ATen.h>

#include "models/cost/flops.h"

namespace reprise {
namespace {

class FinalOnly final : public PrimaryLoss {
 public:
  PassUse use(const StepDepth&, double) const override { return {}; }
  std::vector<std::string> parts(const StepDepth&, double) const override { return {"final"}; }
  Loss loss(PassReader& passes, const at::Tensor& weights_BT, double) const override {
    const at::Tensor& nats_BT = passes.nats_BT(passes.last());
    return {weighed(nats_BT, weights_BT).sum(), {part_of(nats_BT)}};
  }
};

class DeepSupervision final : public PrimaryLoss {
 public:
  explicit DeepSupervision(const PassWeights& weights) : weights_(weights) {}

  PassUse use(const StepDepth& depth, double progress) const override {
    PassUse use;
    for (const auto& [pass, _] : supervised(depth, progress))
      if (pass + 1 < depth.passes) use.readouts.insert(pass);
    return use;
  }
  std::vector<std::string> parts(const StepDepth& depth, double progress) const override {
    std::vector<std::string> names;
    for (const auto& [pass, _] : supervised(depth, progress))
      names.push_back(concat("pass_", pass + 1));
    return names;
  }
  Loss loss(PassReader& passes, const at::Tensor& weights_BT, double progress) const override {
    Loss loss;
    std::vector<at::Tensor> nats;
    std::vector<double> weights;
    for (const auto& [pass, weight] : supervised(passes.depth(), progress)) {
      nats.push_back(weighed(passes.nats_BT(pass), weights_BT));
      weights.push_back(weight);
      loss.parts.push_back(part_of(passes.nats_BT(pass)));
    }
    loss.nats = deep_supervision(nats, weights);
    return loss;
  }

 private:
  /// Passes with their weights, the last first; an annealed pass costs nothing any more.
  std::vector<std::pair<int64_t, double>> supervised(const StepDepth& depth,
                                                     double progress) const {
    const auto weights = pass_weights(weights_, depth.passes, progress);
    std::vector<std::pair<int64_t, double>> passes;
    for (int64_t pass = depth.passes - 1; pass >= depth.first_with_graph(); --pass)
      if (weights[static_cast<size_t>(pass)] > 0)
        passes.emplace_back(pass, weights[static_cast<size_t>(pass)]);
    return passes;
  }

  PassWeights weights_;
};

class GatedRefinement final : public PrimaryLoss {
 public:
  GatedRefinement(const GatedRefinementOptions& options, const ModelOptions& model)
      : options_(options), flops_(flops_per_token(options, model)) {}

  PassUse use(const StepDepth& depth, double) const override {
    if (!depth.refines) return {};
    return {.keys = true, .uncertainty = true, .flops = flops_};
  }
  std::vector<std::string> parts(const StepDepth& depth, double) const override {
    if (!depth.refines) return {"gated", "coarse"};
    return {"gated", "coarse", "refined", "refined_before"};
  }
  Loss loss(PassReader& passes, const at::Tensor& weights_BT, double) const override {
    const at::Tensor& coarse_BT = passes.nats_BT(passes.last());
    const LossPart coarse = part_of(coarse_BT);
    if (!passes.depth().refines)  // m = 0 everywhere
      return {(1 + options_.kappa) * weighed(coarse_BT, weights_BT).sum(), {coarse, coarse}};

    const at::Tensor rows_M = pick_most_uncertain(passes.uncertainty_BT(), options_.refine_share);
    const auto picked = [&](const at::Tensor& tokens_BT) {
      return tokens_BT.flatten().index_select(0, rows_M);
    };
    const Network& network = passes.network();
    const at::Tensor refined_M =
        network.cross_entropy(network.refine_rows(passes.base(), rows_M, options_.rule),
                              passes.batch().targets_BT.flatten().index_select(0, rows_M));
    const LossPart refined = part_of(refined_M), before = part_of(picked(coarse_BT.detach()));
    const LossPart gated{coarse.nats - before.nats + refined.nats, coarse.tokens};
    const at::Tensor weights_M = weights_BT.defined() ? picked(weights_BT) : weights_BT;
    return {gated_refinement(weighed(coarse_BT, weights_BT), weighed(refined_M, weights_M), rows_M,
                             options_.kappa),
            {gated, coarse, refined, before}};
  }

 private:
  /// The picked see one another as far as they are of a sequence's first tokens on average.
  static StepFlops flops_per_token(const GatedRefinementOptions& options,
                                   const ModelOptions& model) {
    PassWork work = mean_position(model).share(options.refine_share);
    work.keys = seen_keys(options.rule, work.keys, options.refine_share * work.keys);
    return PassFlops(model).training_of_refinement(work, {options.rule, 1 - options.refine_share});
  }

  GatedRefinementOptions options_;
  StepFlops flops_;
};

}  // namespace

LossPart part_of(const at::Tensor& nats) { return {nats.detach().sum(at::kDouble), nats.numel()}; }

at::Tensor weighed(const at::Tensor& nats, const at::Tensor& weights) {
  return weights.defined() ? nats * weights : nats;
}

std::unique_ptr<PrimaryLoss> make_final_only() { return std::make_unique<FinalOnly>(); }

std::unique_ptr<PrimaryLoss> make_deep_supervision(const PassWeights& weights) {
  return std::make_unique<DeepSupervision>(weights);
}

std::unique_ptr<PrimaryLoss> make_gated_refinement(const GatedRefinementOptions& options,
                                                   const ModelOptions& model) {
  return std::make_unique<GatedRefinement>(options, model);
}

}  // namespace reprise
