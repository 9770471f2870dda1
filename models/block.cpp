#include "models/block.h"

#include <ATen/ATen.h>
#include <ATen/OpMathType.h>

#include "models/ops/attention.h"
#include "models/ops/residual.h"
#include "models/ops/squared_relu.h"

namespace reprise {

namespace {

/// Everything behind attention, which is the same whichever keys it read and however positions are
/// laid out.
at::Tensor finish_layer(const LayerWeights& weights, const at::Tensor& stream,
                        const at::Tensor& mixed) {
  const at::Tensor attended = at::linear(mixed, weights.output_DD);
  const ops::Residual middle = ops::add_and_norm(stream, attended, weights.attention_scale_D);
  const at::Tensor inner = ops::squared_relu(at::linear(middle.normed, weights.up_FD));
  return ops::add_scaled(middle.stream, at::linear(inner, weights.down_DF), weights.mlp_scale_D);
}

/// The rows of the projection that make queries.
at::Tensor query_rows(const LayerWeights& weights) {
  return weights.projection_CD.narrow(0, 0, weights.output_DD.size(1));
}

}  // namespace

LayerWeights bind_layer(const Parameters& parameters, int64_t layer, at::ScalarType compute) {
  const auto get = [&](const char* name) { return parameters[concat("layer.", layer, ".", name)]; };
  const auto cast = [&](const char* name) { return get(name).to(compute); };
  const auto scalar = [&](const char* name) { return get(name).to(at::toOpMathType(compute)); };
  LayerWeights weights;
  weights.mix_2D = scalar("mix");
  weights.projection_CD =
      at::cat({cast("attention.query"), cast("attention.key"), cast("attention.value")});
  weights.gain_H = scalar("attention.gain");
  weights.output_DD = cast("attention.output");
  weights.attention_scale_D = scalar("attention.scale");
  weights.up_FD = cast("mlp.up");
  weights.down_DF = cast("mlp.down");
  weights.mlp_scale_D = scalar("mlp.scale");
  return weights;
}

at::Tensor run_layer(const LayerWeights& weights, const at::Tensor& hidden_BTD,
                     const at::Tensor& embedded_BTD, const ops::RotaryTable& rotary,
                     LayerKeys* kept) {
  const ops::Residual entry = ops::mix_and_norm(hidden_BTD, embedded_BTD, weights.mix_2D);
  const at::Tensor projected_BTC = at::linear(entry.normed, weights.projection_CD);
  const ops::Heads heads = ops::split_heads(projected_BTC, weights.gain_H, rotary);
  if (kept) *kept = {heads.keys_BGTE, heads.values_BGTE};
  return finish_layer(weights, entry.stream,
                      ops::attention(heads.queries_BHTE, heads.keys_BGTE, heads.values_BGTE));
}

at::Tensor refine_layer(const LayerWeights& weights, const at::Tensor& hidden_BTD,
                        const at::Tensor& embedded_BTD, const ops::RotaryTable& rotary,
                        const LayerKeys& keys) {
  const ops::Residual entry = ops::mix_and_norm(hidden_BTD, embedded_BTD, weights.mix_2D);
  const at::Tensor projected_BTD = at::linear(entry.normed, query_rows(weights));
  const at::Tensor queries_BHTE = ops::split_queries(projected_BTD, weights.gain_H, rotary);
  return finish_layer(weights, entry.stream,
                      ops::attention(queries_BHTE, keys.keys_BGTE, keys.values_BGTE));
}

at::Tensor refine_layer_rows(const LayerWeights& weights, const at::Tensor& hidden_MD,
                             const at::Tensor& embedded_MD, const ops::RotaryTable& rotary,
                             const LayerKeys& keys, const at::Tensor& rows_M) {
  const ops::Residual entry = ops::mix_and_norm(hidden_MD, embedded_MD, weights.mix_2D);
  const at::Tensor projected_MD = at::linear(entry.normed, query_rows(weights));
  const at::Tensor positions_M = rows_M % keys.keys_BGTE.size(2);
  const at::Tensor queries_MHE =
      ops::split_packed_queries(projected_MD, weights.gain_H, rotary, positions_M);
  return finish_layer(weights, entry.stream,
                      ops::packed_attention(queries_MHE, keys.keys_BGTE, keys.values_BGTE, rows_M));
}

}  // namespace reprise
