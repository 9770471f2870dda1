#include "models/network.h"

#include <ATen/ATen.h>
#include <ATen/OpMathType.h>

#include "models/block.h"
#include "models/ops/head.h"
#include "models/ops/rms_norm.h"

namespace reprise {

struct Network::Weights {
  at::Tensor embedding_VD;
  std::vector<LayerWeights> layers;
  ops::RotaryTable rotary;
};

namespace {

/// Where each layer of a range leaves the keys it made, or null.
using KeptKeys = std::vector<LayerKeys>*;

at::Tensor run_range(const std::vector<LayerWeights>& layers, LayerRange range,
                     at::Tensor hidden_BTD, const at::Tensor& embedded_BTD,
                     const ops::RotaryTable& rotary, KeptKeys kept) {
  if (kept) kept->resize(static_cast<size_t>(range.count));
  for (int64_t i = 0; i < range.count; ++i)
    hidden_BTD = run_layer(layers[static_cast<size_t>(range.first + i)], hidden_BTD, embedded_BTD,
                           rotary, kept ? &(*kept)[static_cast<size_t>(i)] : nullptr);
  return hidden_BTD;
}

at::Tensor refine_range(const std::vector<LayerWeights>& layers, LayerRange range,
                        at::Tensor hidden_BTD, const at::Tensor& embedded_BTD,
                        const ops::RotaryTable& rotary, const std::vector<LayerKeys>& keys) {
  for (size_t i = 0; i < keys.size(); ++i)
    hidden_BTD = refine_layer(layers[static_cast<size_t>(range.first) + i], hidden_BTD,
                              embedded_BTD, rotary, keys[i]);
  return hidden_BTD;
}

void require_keys(const BasePasses& base, const PassPlan& plan) {
  require(static_cast<int64_t>(base.core_keys.size()) == plan.refinement.count, ExitCode::kFailure,
          "a refinement pass needs the keys of the base passes; run base_passes with keys = true");
}

void require_rows(const at::Tensor& rows_M, int64_t positions) {
  if (rows_M.numel() == 0) return;
  const bool sorted = (rows_M.slice(0, 1) > rows_M.slice(0, 0, -1)).all().item<bool>();
  require(sorted && rows_M[0].item<int64_t>() >= 0 && rows_M[-1].item<int64_t>() < positions,
          ExitCode::kFailure, "rows to refine must be distinct, ascending and below ", positions);
}

}  // namespace

Network::Network(const ModelOptions& options, const Parameters& parameters, at::ScalarType compute)
    : options_(options), plan_(make_pass_plan(options)) {
  const at::Tensor& embedding = parameters["embedding"];
  auto weights = std::make_shared<Weights>();
  weights->embedding_VD = embedding.to(compute);
  for (int64_t layer = 0; layer < options.layers(); ++layer)
    weights->layers.push_back(bind_layer(parameters, layer, compute));
  weights->rotary = ops::make_rotary_table(
      {options.context, options.head_width(), options.rope_share, options.rope_base},
      at::TensorOptions(embedding.device()).dtype(at::toOpMathType(compute)));
  weights_ = std::move(weights);
}

BasePasses Network::base_passes(const at::Tensor& tokens_BT, KeepOptions keep) const {
  require(tokens_BT.dim() == 2 && tokens_BT.size(1) <= options_.context, ExitCode::kFailure,
          "tokens have shape ", tokens_BT.sizes(), "; expected [sequences, at most ",
          options_.context, "]");
  const auto& [embedding_VD, layers, rotary] = *weights_;
  BasePasses base;
  base.embedded_BTD = ops::rms_norm(at::embedding(embedding_VD, tokens_BT));
  at::Tensor hidden_BTD =
      run_range(layers, plan_.prelude, base.embedded_BTD, base.embedded_BTD, rotary, nullptr);
  for (size_t pass = 0; pass < plan_.passes.size(); ++pass) {
    const bool last = pass + 1 == plan_.passes.size();
    hidden_BTD = run_range(layers, plan_.passes[pass], hidden_BTD, base.embedded_BTD, rotary,
                           keep.keys && last ? &base.core_keys : nullptr);
    if (keep.all_passes || last) base.hidden_PBTD.push_back(hidden_BTD);
  }
  base.features_BTD = ops::rms_norm(run_range(layers, plan_.coda, hidden_BTD, base.embedded_BTD,
                                              rotary, keep.keys ? &base.coda_keys : nullptr));
  return base;
}

at::Tensor Network::readout(const BasePasses& base, int64_t pass) const {
  const auto last = static_cast<int64_t>(plan_.passes.size()) - 1;
  if (pass == last) return base.features_BTD;
  require(pass >= 0 && pass<last&& static_cast<int64_t>(base.hidden_PBTD.size())> last,
          ExitCode::kFailure, "no hidden state of pass ", pass,
          " was kept; run base_passes with all_passes = true");
  return ops::rms_norm(run_range(weights_->layers, plan_.coda,
                                 base.hidden_PBTD[static_cast<size_t>(pass)], base.embedded_BTD,
                                 weights_->rotary, nullptr));
}

at::Tensor Network::refine_all(const BasePasses& base) const {
  require_keys(base, plan_);
  const auto& [embedding_VD, layers, rotary] = *weights_;
  const at::Tensor hidden_BTD = refine_range(layers, plan_.refinement, base.hidden_PBTD.back(),
                                             base.embedded_BTD, rotary, base.core_keys);
  return ops::rms_norm(
      refine_range(layers, plan_.coda, hidden_BTD, base.embedded_BTD, rotary, base.coda_keys));
}

at::Tensor Network::refine_rows(const BasePasses& base, const at::Tensor& rows_M) const {
  require_keys(base, plan_);
  require_rows(rows_M, base.embedded_BTD.size(0) * base.embedded_BTD.size(1));
  const auto& layers = weights_->layers;
  at::Tensor hidden_MD = base.hidden_PBTD.back().flatten(0, 1).index_select(0, rows_M);
  const at::Tensor embedded_MD = base.embedded_BTD.flatten(0, 1).index_select(0, rows_M);
  const auto run = [&](LayerRange range, const std::vector<LayerKeys>& keys) {
    for (size_t i = 0; i < keys.size(); ++i)
      hidden_MD = refine_layer_rows(layers[static_cast<size_t>(range.first) + i], hidden_MD,
                                    embedded_MD, weights_->rotary, keys[i], rows_M);
  };
  run(plan_.refinement, base.core_keys);
  run(plan_.coda, base.coda_keys);
  return ops::rms_norm(hidden_MD);
}

at::Tensor Network::refine_masked(const BasePasses& base, const at::Tensor& mask_BT) const {
  require_keys(base, plan_);
  const auto& [embedding_VD, layers, rotary] = *weights_;
  const at::Tensor& coarse_BTD = base.hidden_PBTD.back();
  const at::Tensor refined_BTD =
      refine_range(layers, plan_.refinement, coarse_BTD, base.embedded_BTD, rotary, base.core_keys);
  const at::Tensor hidden_BTD = at::where(mask_BT.unsqueeze(-1), refined_BTD, coarse_BTD);
  return ops::rms_norm(
      refine_range(layers, plan_.coda, hidden_BTD, base.embedded_BTD, rotary, base.coda_keys));
}

at::Tensor Network::logits(const at::Tensor& features) const {
  return ops::capped_logits(features, weights_->embedding_VD, options_.softcap);
}

at::Tensor Network::cross_entropy(const at::Tensor& features, const at::Tensor& targets) const {
  return ops::cross_entropy(features, weights_->embedding_VD, targets, options_.softcap);
}

}  // namespace reprise
