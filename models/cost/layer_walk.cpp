#include "models/cost/layer_walk.h"

#include <algorithm>
#include <map>
#include <string>

#include "models/cost/matrices.h"

namespace reprise {
namespace {

/// Joined or stacked with others, which is a copy in any arithmetic.
bool is_joined(const ParameterShape& matrix) {
  for (const char* name : {"attention.query", "attention.key", "attention.value"})
    if (matrix.name.ends_with(name)) return true;
  return is_of_expert(matrix.name);
}

std::string keys_name(int64_t layer) { return concat("keys ", layer); }

}  // namespace

LayerWalk::LayerWalk(const ModelOptions& model, at::ScalarType compute, Tape& tape)
    : model_(model),
      plans_(plan_layers(model)),
      tape_(tape),
      element_(static_cast<double>(c10::elementSize(compute))),
      width_(static_cast<double>(model.width)) {}

std::string LayerWalk::weight_name(const Place& at, const std::string& matrix) const {
  return concat("layer ", at.layer, ' ', at.plan.differs_by_pass() ? at.own : 0, ' ', matrix);
}

double LayerWalk::channel_sums(double rows) const {
  constexpr double kElementsOfRange = 16384;  // models/ops/launch.h
  return 2 * width_ * kWideBytes * std::max(1.0, rows * width_ / kElementsOfRange);
}

void LayerWalk::bind_matrix(const std::string& name, double elements) {
  if (casts()) bound_bytes_ += element_ * elements, tape_.hold(element_ * elements);
  tape_.record({.takes_shared = {name}, .scratch = casts() ? kWideBytes * elements : 0});
}

void LayerWalk::bind_table(const std::string& name) {
  const auto columns = static_cast<double>(model_.table_width());
  bind_matrix(name, static_cast<double>(model_.vocab) * columns);
  if (model_.embedding_rank > 0) bind_matrix(name + ".projection", width_ * columns);
}

/// A matrix of the basis keeps the sparse one it is a product of, spread out.
double LayerWalk::bind_terms(const ParameterShape& terms, Operation& binding) {
  const auto rows = static_cast<double>(terms.shape[0]),
             rank = static_cast<double>(model_.basis_rank);
  binding.saves.push_back(make_wide(rows, rank));
  binding.shares = {{"basis", kWideBytes * rank * width_}};
  return rows * width_;
}

void LayerWalk::bind(const Place& at) {
  if (!bound_.emplace(at.layer, at.plan.differs_by_pass() ? at.own : 0).second) return;
  double bytes = 0;
  std::map<std::string, double> gradients;  // elements, as they come back before they are added
  Operation binding;
  for (const ParameterShape& matrix : layer_shapes(model_, at.plan, at.layer)) {
    if (matrix.role != Role::kMatrix || is_change(matrix.name) || is_router(matrix.name)) continue;
    const bool from_basis = is_of_basis(matrix.name);
    const double elements = from_basis ? bind_terms(matrix, binding) : elements_of(matrix);
    const bool made = from_basis || at.plan.change_rank > 0;
    if (casts() || made || is_joined(matrix)) bytes += element_ * elements;
    if (casts() || made) gradients[matrix.name.substr(0, matrix.name.find(".expert."))] += elements;
  }
  bound_bytes_ += bytes;
  tape_.hold(bytes);
  for (const auto& [_, elements] : gradients)
    binding.scratch = std::max(binding.scratch, kWideBytes * elements);
  for (const char* matrix : {"projection", "value", "output", "up", "down", "value.router",
                             "output.router", "mlp.router"})
    binding.takes_shared.push_back(weight_name(at, matrix));
  tape_.record(std::move(binding));
}

TapeTensor LayerWalk::multiply(TapeTensor in, double rows, Columns columns,
                               const std::string& weight, const std::string& name_of_in) {
  Operation product{.saves = {in},
                    .takes = bytes(rows, columns.out),
                    .shares = {{weight, bytes(columns.in, columns.out)}}};
  if (name_of_in.empty())
    product.gives = bytes(rows, columns.in);
  else
    product.shares.push_back({name_of_in, bytes(rows, columns.in)});
  tape_.record(std::move(product));
  return make(rows, columns.out);
}

TapeTensor LayerWalk::normalise(TapeTensor in, double rows, double columns) {
  tape_.record({.saves = {in}, .takes = bytes(rows, columns), .gives = bytes(rows, columns)});
  return make(rows, columns);
}

TapeTensor LayerWalk::enter(int64_t layer, TapeTensor hidden, const WalkedRows& rows) {
  const int64_t skips = model_.skip_count(), skip = layer - skips;
  if (skip < 0 || skip >= skips) return hidden;
  const int64_t source = skips - 1 - skip;
  const double stream = bytes(rows.count, width_);
  tape_.record({.saves = {hidden, left_.at(source)},
                .takes = stream,
                .gives = stream,
                .shares = {{skip_name(source), bytes(rows.keys, width_)}},
                .scratch = channel_sums(rows.count)});
  return make(rows.count, width_);
}

/// Queries, and keys and values where the layer makes them.
TapeTensor LayerWalk::project_heads(const Place& at, const Normed& normed) {
  const double keys_width = 2 * static_cast<double>(model_.kv_heads * model_.head_width());
  const double columns = width_ + (at.rows.makes_keys ? keys_width : 0);
  const bool mixes = at.plan.attention_experts && at.rows.makes_keys;
  if (mixes) mix_values(at, normed);
  const double dense = mixes ? columns - keys_width / 2 : columns;
  multiply(normed.tensor, at.rows.count, {width_, dense}, weight_name(at, "projection"),
           normed.name);
  const TapeTensor projected = make(at.rows.count, columns);
  Operation split{.saves = {projected},
                  .takes = bytes(at.rows.count, width_),
                  .gives = bytes(at.rows.count, columns)};
  if (at.rows.makes_keys) {
    split.takes_shared = {keys_name(at.layer)};
    keys_[at.layer] = make(at.rows.count, keys_width);
  }
  tape_.record(std::move(split));
  return make(at.rows.count, width_);
}

TapeTensor LayerWalk::attend(const Place& at, const Normed& normed) {
  const double rows = at.rows.count, queries = bytes(rows, width_);
  const double keys_width = 2 * static_cast<double>(model_.kv_heads * model_.head_width());
  const TapeTensor heads = project_heads(at, normed);
  const TapeTensor mixed = make(rows, width_);
  const TapeTensor log_sums = make_wide(rows, static_cast<double>(model_.heads));
  tape_.record({.saves = {heads, keys_.at(at.layer), mixed, log_sums},
                .takes = queries,
                .gives = queries,
                .shares = {{keys_name(at.layer), bytes(at.rows.keys, keys_width)}}});
  return mixed;
}

TapeTensor LayerWalk::project_output(const Place& at, const Normed& normed, TapeTensor mixed) {
  if (model_.projection_norm) mixed = normalise(mixed, at.rows.count, width_);
  if (at.plan.attention_experts) return mix_outputs(at, normed);
  return multiply(mixed, at.rows.count, {width_, width_}, weight_name(at, "output"));
}

TapeTensor LayerWalk::feed_forward(const Place& at, const Normed& normed) {
  if (at.plan.mlp == MlpKind::kExperts) return mix_mlp(at, normed);
  const double rows = at.rows.count, hidden = static_cast<double>(model_.mlp_ratio) * width_;
  const TapeTensor up =
      multiply(normed.tensor, rows, {width_, hidden}, weight_name(at, "up"), normed.name);
  TapeTensor inner = normalise(up, rows, hidden);  // max(x, 0)^2 keeps and gives as much
  if (model_.projection_norm) inner = normalise(inner, rows, hidden);
  return multiply(inner, rows, {hidden, width_}, weight_name(at, "down"));
}

TapeTensor LayerWalk::run_layer(const Place& at, TapeTensor hidden) {
  const bool norms = model_.norm != NormPlacement::kPeri;
  const bool sandwich = model_.norm == NormPlacement::kSandwich;
  const WalkedRows& rows = at.rows;
  const double stream_bytes = bytes(rows.count, width_), sums = channel_sums(rows.count);

  const TapeTensor stream = make(rows.count, width_);
  const Normed entry{norms ? make(rows.count, width_) : stream, "entry"};
  tape_.record({.saves = {hidden, rows.embedded},
                .takes = stream_bytes,
                .gives = stream_bytes,
                .shares = {{rows.embedded_name, stream_bytes}},
                .takes_shared = {entry.name},
                .scratch = sums});
  TapeTensor attended = project_output(at, entry, attend(at, entry));
  if (sandwich) attended = normalise(attended, rows.count, width_);

  const TapeTensor middle = make(rows.count, width_);
  const Normed normed{norms ? make(rows.count, width_) : middle, "middle"};
  tape_.record({.saves = {stream, attended},
                .takes = stream_bytes,
                .gives = 2 * stream_bytes,
                .takes_shared = {normed.name},
                .scratch = sums});
  TapeTensor given = feed_forward(at, normed);
  if (sandwich) given = normalise(given, rows.count, width_);

  tape_.record({.saves = {middle, given},
                .takes = stream_bytes,
                .gives = 2 * stream_bytes,
                .takes_shared = {skip_name(at.layer)},
                .scratch = sums});
  return make(rows.count, width_);
}

TapeTensor LayerWalk::run_layers(const LayerRange& layers, int64_t own, TapeTensor hidden,
                                 const WalkedRows& rows) {
  for (int64_t layer = layers.first; layer < layers.first + layers.count; ++layer) {
    const Place at{plans_[static_cast<size_t>(layer)], layer, own, rows};
    hidden = enter(layer, hidden, rows);
    bind(at);
    hidden = run_layer(at, hidden);
    if (layer < model_.skip_count()) left_[layer] = hidden;
  }
  return hidden;
}

TapeTensor LayerWalk::run_unrecorded(const LayerRange& layers, int64_t own,
                                     const WalkedRows& rows) {
  TapeTensor hidden = 0;
  for (int64_t layer = layers.first; layer < layers.first + layers.count; ++layer) {
    const Place at{plans_[static_cast<size_t>(layer)], layer, own, rows};
    bind(at);
    for (const Mixture& mixture : mixtures_of(at.plan))
      tape_.hold(logged_bytes(mixture, rows.count));
    hidden = make(rows.count, width_);
    if (layer < model_.skip_count()) left_[layer] = hidden;
  }
  return hidden;
}

}  // namespace reprise
