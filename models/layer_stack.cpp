#include "models/layer_stack.h"

#include <ATen/ATen.h>
#include <ATen/OpMathType.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <array>

#include "models/ops/residual.h"

namespace reprise {

Stream combine(std::span<const Stream> streams, const Combination& combination) {
  const auto combined = [&](const auto& tensor_of) {
    std::vector<at::Tensor> tensors;
    for (const Stream& stream : streams) tensors.push_back(tensor_of(stream));
    return tensors.front().defined() ? combination(tensors) : at::Tensor();
  };
  Stream one{combined([](const Stream& stream) { return stream.hidden_MD; }), {}};
  for (size_t i = 0; i < streams.front().skips_MD.size(); ++i)
    one.skips_MD.push_back(combined([&](const Stream& stream) { return stream.skips_MD[i]; }));
  return one;
}

Stream pick_rows(const Stream& stream, const at::Tensor& rows) {
  return combine({&stream, 1}, [&](const auto& of) { return of[0].index_select(0, rows); });
}

Stream pick_where(const at::Tensor& mask_M1, const Stream& chosen, const Stream& other) {
  return combine(std::array{chosen, other},
                 [&](const auto& of) { return at::where(mask_M1, of[0], of[1]); });
}

Stream replace_rows(const Stream& all, const at::Tensor& rows, const Stream& picked) {
  return combine(std::array{all, picked},
                 [&](const auto& of) { return of[0].index_copy(0, rows, of[1]); });
}

LayerStack::LayerStack(const ModelOptions& options, const Parameters& parameters,
                       at::ScalarType compute)
    : options_(options),
      plans_(plan_layers(options)),
      parameters_(parameters),
      compute_(compute),
      recorded_(at::GradMode::is_enabled()),
      skips_(options.skip_count()) {}

Stream LayerStack::begin(at::Tensor hidden_MD) const {
  return {std::move(hidden_MD), std::vector<at::Tensor>(static_cast<size_t>(skips_))};
}

/// Weights are cast where they are first used. Autograd runs what was recorded last first: casts
/// recorded up front would hand every gradient over at the very end of backward, when nothing is
/// left to reduce them behind (train/reducer.h).
const LayerWeights& LayerStack::bound(int64_t layer, int64_t pass) {
  const LayerPlan& plan = plans_[static_cast<size_t>(layer)];
  const LayerUse use{layer, plan.differs_by_pass() ? pass : 0};
  const auto [at, is_new] = bound_.try_emplace({use.layer, use.pass});
  if (is_new) {
    const torch::autograd::AutoGradMode mode(recorded_);
    at->second = bind_layer(parameters_, options_, plan, use, compute_);
  }
  return at->second;
}

void LayerStack::enter(int64_t layer, Stream& stream) {
  const int64_t skip = layer - skips_;
  if (skip < 0 || skip >= skips_) return;
  if (!skip_ED_.defined()) {
    const torch::autograd::AutoGradMode mode(recorded_);
    skip_ED_ = parameters_["skips"].to(at::toOpMathType(compute_));
  }
  const at::Tensor& handed_over = stream.skips_MD[static_cast<size_t>(skips_ - 1 - skip)];
  stream.hidden_MD = ops::add_scaled(stream.hidden_MD, handed_over, skip_ED_[skip]);
}

void LayerStack::leave(int64_t layer, Stream& stream) const {
  if (layer < skips_) stream.skips_MD[static_cast<size_t>(layer)] = stream.hidden_MD;
}

Stream LayerStack::run(const CorePass& pass, Stream stream, const RowSet& rows, KeyReader& reader,
                       const SeeStream& behind_layer) {
  for (int64_t i = 0; i < pass.layers.count; ++i) {
    const int64_t layer = pass.layers.first + i;
    const LayerWeights& weights = bound(layer, pass.own);
    enter(layer, stream);
    stream.hidden_MD =
        run_layer(weights, stream.hidden_MD, rows,
                  {.makes_keys = reader.makes_keys(), .attend = [&](const ops::Heads& heads) {
                     return reader.attend(static_cast<size_t>(i), weights, heads);
                   }});
    leave(layer, stream);
    if (behind_layer) behind_layer(stream);
  }
  return stream;
}

}  // namespace reprise
