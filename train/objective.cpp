#include "train/objective.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <iterator>

#include "models/network.h"

namespace reprise {
namespace {

constexpr double kLargestKappa = 1e6;  // fp32 holds the sum of a batch's nats times this

std::unique_ptr<PrimaryLoss> make_primary(const ObjectiveOptions& options,
                                          const ModelOptions& model) {
  switch (options.kind) {
    case ObjectiveKind::kDeepSupervision:
      return make_deep_supervision(options.passes);
    case ObjectiveKind::kGatedRefinement:
      return make_gated_refinement(options.refinement, model);
    case ObjectiveKind::kAct:
    case ObjectiveKind::kPonderNet:
    case ObjectiveKind::kOuro:
      return make_halting_loss(options.kind, options.halting, model);
    case ObjectiveKind::kFinalOnly:
      break;
  }
  return make_final_only();
}

void validate_primary(const ObjectiveOptions& options, const ModelOptions& model) {
  require(options.kind != ObjectiveKind::kDeepSupervision || loops(model.family), ExitCode::kUsage,
          "train.objective ", enum_name(options.kind), " needs passes; the ",
          enum_name(model.family), " family runs its layers once");
  require(options.passes.decay > 0 && options.passes.decay <= 1, ExitCode::kUsage,
          "train.pass-decay is ", options.passes.decay, "; it lies in (0, 1]");
  require(options.passes.anneal_share > 0 && options.passes.anneal_share <= 1, ExitCode::kUsage,
          "train.anneal-share is ", options.passes.anneal_share, "; it lies in (0, 1]");
  require(options.refinement.refine_share >= 0 && options.refinement.refine_share <= 1,
          ExitCode::kUsage, "train.refine-share is ", options.refinement.refine_share,
          "; it lies in [0, 1]");
  require(options.kind != ObjectiveKind::kGatedRefinement || options.refinement.refine_share == 0 ||
              rows_to_refine(options.refinement.refine_share, model.context) > 0,
          ExitCode::kUsage, "train.refine-share ", options.refinement.refine_share,
          " picks no position of a sequence of ", model.context, "; the least that does is ",
          0.5 / static_cast<double>(model.context), ", and 0 refines nothing");
  require(options.refinement.rule == KeyRule::kCoarse ||
              options.kind == ObjectiveKind::kGatedRefinement,
          ExitCode::kUsage, "train.key-rule ", enum_name(options.refinement.rule),
          " is for train.objective gated-refinement; ", enum_name(options.kind),
          " refines no token");
  require(0 <= options.refinement.kappa && options.refinement.kappa <= kLargestKappa,
          ExitCode::kUsage, "train.kappa is ", options.refinement.kappa, "; it must be from 0 to ",
          kLargestKappa);
}

void validate_halting(const ObjectiveOptions& options, const ModelOptions& model) {
  validate(options.halting);
  const auto kind = enum_name(options.kind), halting = enum_name(model.halting);
  const Halting trained = halting_of(options.kind);
  require(model.halting == Halting::kNone || trained != Halting::kNone, ExitCode::kUsage,
          "train.objective ", kind, " does not train the head of model.halting ", halting,
          "; take act for mixture, pondernet or ouro for exit");
  require(model.halting == trained, ExitCode::kUsage, "train.objective ", kind,
          " trains the head of model.halting ", enum_name(trained), "; it is ", halting);
  if (trained == Halting::kNone) return;
  const DepthOptions& depth = options.depth;
  require(depth.draw == DepthDraw::kFixed && depth.delay_share == 0 && depth.graph_passes == 0,
          ExitCode::kUsage, "train.objective ", kind,
          " decides the passes of every token itself and weighs all of them; train.depth, "
          "train.delay-share and train.graph-passes must stay as they are by default");
  require(
      options.kind != ObjectiveKind::kAct || !options.terms.compares_predictions(),
      ExitCode::kUsage,
      "train.objective act predicts from no pass alone; train.monotone, train.shortcut-loss and "
      "train.shortcut-kl compare predictions of passes");
}

}  // namespace

void validate(const ObjectiveOptions& options, const ModelOptions& model) {
  validate_primary(options, model);
  validate_halting(options, model);
  validate(options.depth, model);
  const int64_t most = most_passes(options.depth, model);
  require(options.kind != ObjectiveKind::kDeepSupervision || most >= 2, ExitCode::kUsage,
          "train.objective deep-supervision weighs passes against each other; the model runs one");
  require(options.depth.delay_share == 0 || most >= 2 ||
              options.kind == ObjectiveKind::kGatedRefinement,
          ExitCode::kUsage, "train.delay-share ", options.depth.delay_share,
          " delays nothing: the model runs one pass and refines no token");
  const bool refines =
      options.kind == ObjectiveKind::kGatedRefinement && options.refinement.refine_share > 0;
  require(model.readout == Readout::kLast || most >= 2 || refines, ExitCode::kUsage,
          "model.readout sum has nothing to add up: steps run one pass and refine no token");
  validate(options.terms, model, most);
  validate(options.weights, model);
}

Objective::Objective(const ObjectiveOptions& options, const ModelOptions& model, uint64_t seed)
    : options_(options),
      model_(model),
      flops_(model),
      seed_(seed),
      primary_(make_primary(options, model)),
      terms_(make_terms(options.terms, model)),
      loads_(load_names(model)) {}

Parameters Objective::seen(const Parameters& parameters, const StepOf& at) const {
  return seen_in_step(options_.weights, model_, seed_, at.step, parameters);
}

StepDepth Objective::depth(const StepOf& at) const {
  return depth_of_step(options_.depth, model_, seed_, at);
}

PassUse Objective::use(const StepOf& at) const {
  const StepDepth step_depth = depth(at);
  PassUse use = primary_->use(step_depth, at.progress());
  for (const auto& term : terms_)
    if (term->applies(step_depth)) use.add(term->use(step_depth));
  use.uncertainty = use.uncertainty || options_.tokens != TokenWeighting::kNone;
  use.routers = use.routers || !loads_.empty();
  return use;
}

at::Tensor Objective::token_weights(PassReader& passes, const StepOf& at) const {
  if (options_.tokens == TokenWeighting::kNone) return {};
  const at::Tensor weights_BT = hard_weights(passes.uncertainty_BT());
  if (options_.tokens == TokenWeighting::kHard) return weights_BT;
  const RandomStream stream(seed_, Purpose::kTokenShuffle, static_cast<uint32_t>(at.step));
  return shuffled_weights(weights_BT, stream, passes.batch().first_sequence);
}

Loss Objective::loss(const Network& network, const Parameters& parameters, const Batch& batch,
                     const StepOf& at) const {
  const StepDepth step_depth = depth(at);
  PassReader passes(network, batch, step_depth, use(at));
  Loss loss = primary_->loss(passes, token_weights(passes, at), at.progress());
  const int64_t tokens = batch.inputs_BT.numel();
  const auto add = [&](const at::Tensor& sum, double weight) {
    loss.nats = loss.nats + weight * sum;
    loss.parts.push_back({sum.detach().to(at::kDouble), tokens});
  };
  for (const auto& term : terms_)
    if (term->applies(step_depth)) add(term->sum(passes), term->weight());
  if (options_.weights.code_entropy > 0)
    add(mean_code_bits(options_.weights, parameters) * static_cast<double>(tokens),
        options_.weights.code_entropy);
  if (!loads_.empty())
    std::ranges::move(load_parts(model_, passes.base().routers), std::back_inserter(loss.measures));
  return loss;
}

std::vector<std::string> Objective::parts(const StepOf& at) const {
  const StepDepth step_depth = depth(at);
  std::vector<std::string> names = primary_->parts(step_depth, at.progress());
  for (const auto& term : terms_)
    if (term->applies(step_depth)) names.push_back(term->name());
  if (options_.weights.code_entropy > 0) names.emplace_back("code_bits");
  return names;
}

std::vector<std::string> Objective::measures() const {
  std::vector<std::string> names = primary_->measures();
  names.insert(names.end(), loads_.begin(), loads_.end());
  return names;
}

StepFlops Objective::step_flops(const StepOf& at) const {
  const StepDepth step_depth = depth(at);
  const PassUse use = this->use(at);
  const PassWork work = mean_position(model_);
  const StepFlops readout = flops_.training_of_readout(work);
  const StepFlops without_graph{readout.forward, 0, 0};
  StepFlops flops =
      flops_.training(work, {.passes = step_depth.passes, .graph_passes = step_depth.graph_passes});
  flops += use.flops;
  for (const int64_t pass : use.readouts)
    flops += pass >= step_depth.first_with_graph() ? readout : without_graph;
  if (use.prediction_is_record) flops += {0, -readout.backward, -readout.again};
  if (use.uncertainty) flops += {flops_.head(work), 0, 0};
  return flops;
}

std::unique_ptr<Objective> make_objective(const ObjectiveOptions& options,
                                          const ModelOptions& model, uint64_t seed) {
  validate(options, model);
  return std::make_unique<Objective>(options, model, seed);
}

}  // namespace reprise
