#include "models/network.h"

#include <ATen/ATen.h>
#include <ATen/OpMathType.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <span>

#include "models/device.h"
#include "models/ops/head.h"
#include "models/ops/rms_norm.h"

namespace reprise {

namespace {

/// The layers' weights, each cast when it is first used. Autograd runs what was recorded last
/// first: casts recorded up front would hand every gradient over at the very end of backward, when
/// nothing is left to reduce them behind (train/reducer.h).
class Layers {
 public:
  Layers(const Parameters& parameters, at::ScalarType compute, int64_t count)
      : parameters_(parameters), compute_(compute), bound_(static_cast<size_t>(count)) {}

  const LayerWeights& operator[](int64_t layer) {
    auto& weights = bound_[static_cast<size_t>(layer)];
    if (!weights) weights = bind_layer(parameters_, layer, compute_);
    return *weights;
  }

 private:
  Parameters parameters_;  ///< shares the tensors
  at::ScalarType compute_;
  std::vector<std::optional<LayerWeights>> bound_;
};

}  // namespace

struct Network::Weights {
  at::Tensor embedding_VD;
  Layers layers;
  ops::RotaryTable rotary;
};

namespace {

/// Every row of a batch.
RowSet all_rows(const at::Tensor& embedded_BTD, const ops::RotaryTable& rotary) {
  const int64_t sequences = embedded_BTD.size(0), length = embedded_BTD.size(1);
  const at::Tensor rows_M = at::arange(sequences * length, embedded_BTD.options().dtype(at::kLong));
  return {sequences, length, rows_M, rows_M % length, embedded_BTD.flatten(0, 1), rotary};
}

/// Some rows of a batch.
RowSet picked_rows(const RowSet& all, const at::Tensor& rows_M) {
  return {all.sequences,
          all.length,
          rows_M,
          rows_M % all.length,
          all.embedded_MD.index_select(0, rows_M),
          all.rotary};
}

/// Layers [range.first, ...) over all rows; fills `kept`, one entry per layer, unless it is null.
at::Tensor run_range(Layers& layers, LayerRange range, at::Tensor hidden_MD, const RowSet& rows,
                     std::vector<LayerKeys>* kept) {
  if (kept) kept->resize(static_cast<size_t>(range.count));
  for (int64_t i = 0; i < range.count; ++i)
    hidden_MD = run_layer(layers[range.first + i], hidden_MD, rows,
                          kept ? &(*kept)[static_cast<size_t>(i)] : nullptr);
  return hidden_MD;
}

/// The same layers over any rows, on the keys that were kept.
at::Tensor refine_range(Layers& layers, LayerRange range, at::Tensor hidden_MD, const RowSet& rows,
                        const std::vector<LayerKeys>& keys) {
  require(static_cast<int64_t>(keys.size()) == range.count, ExitCode::kFailure,
          "a refinement pass needs the keys of the base passes; run base_passes with keys = true");
  for (size_t i = 0; i < keys.size(); ++i)
    hidden_MD =
        refine_layer(layers[range.first + static_cast<int64_t>(i)], hidden_MD, rows, keys[i]);
  return hidden_MD;
}

void require_rows(const at::Tensor& rows_M, int64_t positions) {
  const at::Tensor rows = rows_M.cpu().contiguous();
  const std::span all(rows.const_data_ptr<int64_t>(), static_cast<size_t>(rows.numel()));
  const bool ascending = std::ranges::adjacent_find(all, std::greater_equal{}) == all.end();
  require(all.empty() || (ascending && all.front() >= 0 && all.back() < positions),
          ExitCode::kFailure, "rows to refine must be distinct, ascending and below ", positions);
}

}  // namespace

Network::Network(const ModelOptions& options, const Parameters& parameters, at::ScalarType compute)
    : options_(options), plan_(make_pass_plan(options)) {
  const at::Tensor& embedding = parameters["embedding"];
  weights_ = std::make_shared<Weights>(
      Weights{embedding.to(compute), Layers(parameters, compute, options.layers()),
              ops::make_rotary_table(
                  {options.context, options.head_width(), options.rope_share, options.rope_base},
                  at::TensorOptions(embedding.device()).dtype(at::toOpMathType(compute)))});
}

BasePasses Network::base_passes(const at::Tensor& tokens_BT, KeepOptions keep) const {
  require(tokens_BT.dim() == 2 && tokens_BT.size(1) <= options_.context, ExitCode::kFailure,
          "tokens have shape ", tokens_BT.sizes(), "; expected [sequences, at most ",
          options_.context, "]");
  auto& [embedding_VD, layers, rotary] = *weights_;
  BasePasses base;
  base.embedded_BTD =
      ops::rms_norm(at::embedding(embedding_VD, moved_to(embedding_VD.device(), tokens_BT)));
  const RowSet rows = all_rows(base.embedded_BTD, rotary);
  at::Tensor hidden_MD = run_range(layers, plan_.prelude, rows.embedded_MD, rows, nullptr);
  for (size_t pass = 0; pass < plan_.passes.size(); ++pass) {
    const bool last = pass + 1 == plan_.passes.size();
    hidden_MD = run_range(layers, plan_.passes[pass], hidden_MD, rows,
                          keep.keys && last ? &base.core_keys : nullptr);
    if (keep.all_passes || last)
      base.hidden_PBTD.push_back(hidden_MD.view(base.embedded_BTD.sizes()));
  }
  const at::Tensor coda_MD =
      run_range(layers, plan_.coda, hidden_MD, rows, keep.keys ? &base.coda_keys : nullptr);
  base.features_BTD = ops::rms_norm(coda_MD).view(base.embedded_BTD.sizes());
  return base;
}

at::Tensor Network::readout(const BasePasses& base, int64_t pass) const {
  const auto last = static_cast<int64_t>(plan_.passes.size()) - 1;
  if (pass == last) return base.features_BTD;
  require(pass >= 0 && pass<last&& static_cast<int64_t>(base.hidden_PBTD.size())> last,
          ExitCode::kFailure, "no hidden state of pass ", pass,
          " was kept; run base_passes with all_passes = true");
  const at::Tensor hidden_MD = base.hidden_PBTD[static_cast<size_t>(pass)].flatten(0, 1);
  const RowSet rows = all_rows(base.embedded_BTD, weights_->rotary);
  return ops::rms_norm(run_range(weights_->layers, plan_.coda, hidden_MD, rows, nullptr))
      .view(base.embedded_BTD.sizes());
}

at::Tensor Network::refine(const BasePasses& base, const RowSet& rows,
                           const at::Tensor& hidden_MD) const {
  const at::Tensor refined_MD =
      refine_range(weights_->layers, plan_.refinement, hidden_MD, rows, base.core_keys);
  return ops::rms_norm(
      refine_range(weights_->layers, plan_.coda, refined_MD, rows, base.coda_keys));
}

at::Tensor Network::refine_all(const BasePasses& base) const {
  const RowSet rows = all_rows(base.embedded_BTD, weights_->rotary);
  return refine(base, rows, base.hidden_PBTD.back().flatten(0, 1)).view(base.embedded_BTD.sizes());
}

at::Tensor Network::refine_rows(const BasePasses& base, const at::Tensor& rows_M) const {
  const RowSet all = all_rows(base.embedded_BTD, weights_->rotary);
  require_rows(rows_M, all.rows_M.size(0));
  const at::Tensor hidden_MD = base.hidden_PBTD.back().flatten(0, 1);
  const at::Tensor rows = moved_to(hidden_MD.device(), rows_M);
  return refine(base, picked_rows(all, rows), hidden_MD.index_select(0, rows));
}

at::Tensor Network::refine_masked(const BasePasses& base, const at::Tensor& mask_BT) const {
  const RowSet rows = all_rows(base.embedded_BTD, weights_->rotary);
  const at::Tensor coarse_MD = base.hidden_PBTD.back().flatten(0, 1);
  const at::Tensor refined_MD =
      refine_range(weights_->layers, plan_.refinement, coarse_MD, rows, base.core_keys);
  const at::Tensor mask_M1 = moved_to(coarse_MD.device(), mask_BT).flatten().unsqueeze(-1);
  const at::Tensor hidden_MD = at::where(mask_M1, refined_MD, coarse_MD);
  return ops::rms_norm(refine_range(weights_->layers, plan_.coda, hidden_MD, rows, base.coda_keys))
      .view(base.embedded_BTD.sizes());
}

at::Tensor Network::logits(const at::Tensor& features) const {
  return ops::capped_logits(features, weights_->embedding_VD, options_.softcap);
}

at::Tensor Network::cross_entropy(const at::Tensor& features, const at::Tensor& targets) const {
  return ops::cross_entropy(features, weights_->embedding_VD, moved_to(features.device(), targets),
                            options_.softcap);
}

}  // namespace reprise
