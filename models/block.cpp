#include "models/block.h"

#include <ATen/ATen.h>
#include <ATen/OpMathType.h>

#include "models/ops/attention.h"
#include "models/ops/residual.h"
#include "models/ops/rms_norm.h"
#include "models/ops/squared_relu.h"

namespace reprise {

namespace {

at::Tensor norm_if(bool on, const at::Tensor& x) { return on ? ops::rms_norm(x) : x; }

/// The stream a layer begins with, and what attention reads of it.
ops::Residual enter_layer(const LayerWeights& weights, const at::Tensor& hidden_MD,
                          const at::Tensor& embedded_MD) {
  if (weights.norm != NormPlacement::kPeri)
    return ops::mix_and_norm(hidden_MD, embedded_MD, weights.mix_2D);
  const at::Tensor stream =
      ops::blend(hidden_MD, embedded_MD, weights.mix_2D[0], weights.mix_2D[1]);
  return {stream, stream};
}

/// The stream behind attention, and what the MLP reads of it.
ops::Residual add_attention(const LayerWeights& weights, const at::Tensor& stream,
                            const at::Tensor& attended) {
  if (weights.norm != NormPlacement::kPeri)
    return ops::add_and_norm(stream, attended, weights.attention_scale_D);
  const at::Tensor sum = ops::add_scaled(stream, attended, weights.attention_scale_D);
  return {sum, sum};
}

/// Everything behind attention, which is the same whichever keys it read and however positions are
/// laid out.
at::Tensor finish_layer(const LayerWeights& weights, const at::Tensor& stream,
                        const at::Tensor& mixed) {
  const bool sandwich = weights.norm == NormPlacement::kSandwich, inside = weights.projection_norm;
  const at::Tensor attended =
      norm_if(sandwich, at::linear(norm_if(inside, mixed), weights.output_DD));
  const ops::Residual middle = add_attention(weights, stream, attended);
  const at::Tensor inner = ops::squared_relu(at::linear(middle.normed, weights.up_FD));
  const at::Tensor given = norm_if(sandwich, at::linear(norm_if(inside, inner), weights.down_DF));
  return ops::add_scaled(middle.stream, given, weights.mlp_scale_D);
}

/// The rows of the projection that make queries.
at::Tensor query_rows(const LayerWeights& weights) {
  return weights.projection_CD.narrow(0, 0, weights.output_DD.size(1));
}

}  // namespace

LayerWeights bind_layer(const Parameters& parameters, const ModelOptions& options, LayerUse use,
                        at::ScalarType compute) {
  const bool changed = options.changes_by_pass(use.layer);
  const auto name_of = [&](const char* name) { return concat("layer.", use.layer, ".", name); };
  const auto cast = [&](const char* name) {
    const std::string matrix = name_of(name);
    if (!changed) return parameters[matrix].to(compute);
    // Once for all positions of a pass: cheaper than two narrow products for each.
    const std::string change = change_name(matrix, use.pass);
    return at::addmm(parameters[matrix], parameters[change + ".up"], parameters[change + ".down"])
        .to(compute);
  };
  const auto scalar = [&](const char* name) {
    return parameters[name_of(name)].to(at::toOpMathType(compute));
  };
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
  weights.norm = options.norm;
  weights.projection_norm = options.projection_norm;
  return weights;
}

at::Tensor run_layer(const LayerWeights& weights, const at::Tensor& hidden_MD, const RowSet& rows,
                     LayerKeys* kept) {
  const ops::Residual entry = enter_layer(weights, hidden_MD, rows.embedded_MD);
  const at::Tensor projected_MC = at::linear(entry.normed, weights.projection_CD);
  const ops::Heads heads =
      ops::split_heads(projected_MC, weights.gain_H, rows.rotary, rows.positions_M);
  const auto by_sequence = [&](const at::Tensor& x_MGE) {
    return x_MGE.unflatten(0, {rows.sequences, rows.length}).transpose(1, 2);
  };
  const LayerKeys keys{by_sequence(heads.keys_MGE), by_sequence(heads.values_MGE)};
  if (kept) *kept = keys;
  return finish_layer(
      weights, entry.stream,
      ops::attention(heads.queries_MHE, keys.keys_BGTE, keys.values_BGTE, rows.rows_M));
}

at::Tensor refine_layer(const LayerWeights& weights, const at::Tensor& hidden_MD,
                        const RowSet& rows, const LayerKeys& keys) {
  const ops::Residual entry = enter_layer(weights, hidden_MD, rows.embedded_MD);
  const at::Tensor projected_MD = at::linear(entry.normed, query_rows(weights));
  const ops::Heads heads =
      ops::split_heads(projected_MD, weights.gain_H, rows.rotary, rows.positions_M);
  return finish_layer(
      weights, entry.stream,
      ops::attention(heads.queries_MHE, keys.keys_BGTE, keys.values_BGTE, rows.rows_M));
}

}  // namespace reprise
