#include "models/cost/flops.h"

#include <algorithm>

#include "models/cost/matrices.h"
#include "models/cost/recorded.h"

namespace reprise {
namespace {

bool makes_keys(std::string_view name) {
  return name.find("attention.key") != name.npos || name.find("attention.value") != name.npos;
}

/// Of the positions, those that a matrix of a layer is multiplied with.
double share_of_positions(const ModelOptions& model, std::string_view name) {
  if (!is_of_expert(name)) return 1;
  const ExpertOptions& experts = model.experts;
  return name.find(".mlp.") != name.npos
             ? static_cast<double>(experts.top_k) / static_cast<double>(experts.count)
             : static_cast<double>(experts.attention_top_k) /
                   static_cast<double>(experts.attention_count);
}

/// A matrix of a layer as positions meet it, and what making it of other weights takes.
struct MetMatrix {
  double elements = 0, binding = 0;
};

/// Changes are no matrices of their own, and every pass has some of one shape: those of the first
/// stand for all.
MetMatrix met_matrix(const ModelOptions& model, const ParameterShape& matrix,
                     const std::vector<ParameterShape>& layer) {
  MetMatrix met;
  const auto rows = static_cast<double>(matrix.shape[0]);
  if (is_of_basis(matrix.name)) {
    met.elements = rows * static_cast<double>(model.width);
    met.binding = 2 * met.elements * static_cast<double>(model.basis_rank);
    return met;
  }
  met.elements = elements_of(matrix);
  for (const ParameterShape& change : layer)
    if (change.name == change_name(matrix.name, 0) + ".up")
      met.binding += 2 * met.elements * static_cast<double>(change.shape[1]);
  return met;
}

LayerFlops flops_of_layer(const ModelOptions& model, const LayerPlan& plan, int64_t index) {
  LayerFlops flops;
  flops.key = 4 * static_cast<double>(model.width);
  const std::vector<ParameterShape> layer = layer_shapes(model, plan, index);
  for (const ParameterShape& matrix : layer) {
    if (matrix.role != Role::kMatrix || is_change(matrix.name)) continue;
    const MetMatrix met = met_matrix(model, matrix, layer);
    const double products = 2 * met.elements * share_of_positions(model, matrix.name);
    (makes_keys(matrix.name) ? flops.key_position : flops.position) += products;
    flops.binding += met.binding;
  }
  return flops;
}

}  // namespace

PassWork& PassWork::operator+=(const PassWork& other) {
  positions += other.positions;
  keys += other.keys;
  readouts += other.readouts;
  return *this;
}

double seen_keys(KeyRule rule, double every, double refined) {
  if (rule == KeyRule::kSameDepth) return refined;
  return rule == KeyRule::kDuo ? every + refined : every;
}

PassWork mean_position(const ModelOptions& model) {
  return {.positions = 1, .keys = (static_cast<double>(model.context) + 1) / 2, .readouts = 1};
}

StepFlops& StepFlops::operator+=(const StepFlops& other) {
  forward += other.forward;
  backward += other.backward;
  again += other.again;
  return *this;
}

PassFlops::PassFlops(const ModelOptions& model) : model_(model), plan_(make_pass_plan(model)) {
  ModelOptions once = model;
  once.passes = 1;  // what passes have of their own is of one shape
  for (const LayerPlan& layer : plan_.layers) {
    const bool again = !layers_.empty() && layer == plan_.layers[layers_.size() - 1];
    layers_.push_back(again ? layers_.back() : flops_of_layer(once, layer, std::ssize(layers_)));
  }
  const auto width = static_cast<double>(model.width),
             rank = static_cast<double>(model.embedding_rank);
  embedding_ = 2 * width * rank;
  logits_ = 2 * static_cast<double>(model.table_width() * model.vocab);
  head_ = logits_ + 2 * width * rank;
  if (model.reinjection == Reinjection::kProject) pass_begin_ = 4 * width * width;
  // Of the passes from the floor to the last but one.
  if (model.halting != Halting::kNone)
    halting_ = 2 * width * static_cast<double>(model.passes - model.halt_floor);
}

PassFlops::Keys PassFlops::keys_under(const RuleWork& rule) {
  return rule.rule == KeyRule::kCoarse ? Keys::kRead : Keys::kMade;
}

double PassFlops::layers(const LayerRange& range, const PassWork& work, Keys keys) const {
  double flops = 0;
  for (int64_t i = range.first; i < range.first + range.count; ++i) {
    const LayerFlops& layer = layers_[static_cast<size_t>(i)];
    flops += layer.position * work.positions + layer.key * work.keys;
    if (keys == Keys::kMade) flops += layer.key_position * work.positions;
  }
  return flops;
}

double PassFlops::pass(const CorePass& pass, const PassWork& work, Keys keys) const {
  return pass_begin_ * work.positions + layers(pass.layers, work, keys);
}

double PassFlops::head(const PassWork& work) const { return head_ * work.readouts; }

double PassFlops::coda(const PassWork& work) const { return layers(plan_.coda, work, Keys::kMade); }

double PassFlops::readout(const PassWork& work) const {
  return (model_.readout == Readout::kSum ? 0 : coda(work)) + head(work);
}

double PassFlops::base(const PassWork& work) const {
  double flops = embedding_ * work.positions + layers(plan_.prelude, work, Keys::kMade);
  for (const CorePass& pass : plan_.passes) flops += this->pass(pass, work, Keys::kMade);
  const double earlier = model_.readout == Readout::kSum ? std::ssize(plan_.passes) - 1 : 0;
  return flops + (1 + earlier) * coda(work) + halting_ * work.positions + head(work);
}

double PassFlops::core_refinement(const PassWork& work, const RuleWork& rule) const {
  double flops = pass(plan_.refinement, work, keys_under(rule));
  const LayerRange& core = plan_.refinement.layers;
  if (rule.rule != KeyRule::kCopyState) return flops;
  flops += pass_begin_ * rule.halted;
  for (int64_t i = core.first; i < core.first + core.count; ++i)
    flops += layers_[static_cast<size_t>(i)].key_position * rule.halted;
  return flops;
}

double PassFlops::refinement(const PassWork& work, const RuleWork& rule) const {
  return core_refinement(work, rule) + layers(plan_.coda, work, keys_under(rule)) + head(work);
}

StepFlops PassFlops::training(const PassWork& work, const PassRun& run) const {
  const RecordedRun recorded = recorded_run(model_, plan_, run);
  StepFlops step =
      with_loss((embedding_ + halting_) * work.positions + coda(work) + head(work), work);
  step.forward += layers(plan_.prelude, work, Keys::kMade);
  step.backward += 2 * layers({plan_.prelude.first, recorded.prelude}, work, Keys::kMade);
  for (int64_t i = 0; i < recorded.passes; ++i) {
    const bool summed = model_.readout == Readout::kSum && i + 1 < recorded.passes;
    const double forward =
        pass(planned_pass(plan_, i), work, Keys::kMade) + (summed ? coda(work) : 0);
    step.forward += forward;
    if (i >= recorded.first) step.backward += 2 * forward;
  }
  return step;
}

StepFlops PassFlops::with_loss(double forward, const PassWork& work) const {
  return {forward, 2 * forward, logits_ * work.readouts};
}

StepFlops PassFlops::training_of_readout(const PassWork& work) const {
  return with_loss(readout(work), work);
}

StepFlops PassFlops::training_of_refinement(const PassWork& work, const RuleWork& rule) const {
  return with_loss(refinement(work, rule), work);
}

double PassFlops::binding_of(const LayerRange& range, bool differ) const {
  double flops = 0;
  for (int64_t i = range.first; i < range.first + range.count; ++i)
    if (plan_.layers[static_cast<size_t>(i)].differs_by_pass() == differ)
      flops += layers_[static_cast<size_t>(i)].binding;
  return flops;
}

StepFlops PassFlops::binding(const PassRun& run) const {
  const RecordedRun recorded = recorded_run(model_, plan_, run);
  const double once = binding_of({0, std::ssize(plan_.layers)}, false);
  StepFlops step{once, 2 * once, 0};
  step.backward -=
      2 * binding_of({recorded.prelude, plan_.prelude.count - recorded.prelude}, false);
  for (int64_t i = 0; i < std::min(recorded.passes, std::ssize(plan_.passes)); ++i) {
    const double own = binding_of(planned_pass(plan_, i).layers, true);
    step.forward += own;
    // A pass of the run behind the plan's last takes what that one has.
    if (i >= recorded.first || i + 1 == std::ssize(plan_.passes)) step.backward += 2 * own;
  }
  return step;
}

double base_flops(const ModelOptions& model, const PassWork& work) {
  return PassFlops(model).base(work);
}

double readout_flops(const ModelOptions& model, const PassWork& work) {
  return PassFlops(model).readout(work);
}

double refinement_flops(const ModelOptions& model, const PassWork& work) {
  return PassFlops(model).refinement(work);
}

}  // namespace reprise
