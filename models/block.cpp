#include "models/block.h"

#include <ATen/ATen.h>

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
    return ops::add_and_norm(stream, attended, weights.attention.scale_D);
  const at::Tensor sum = ops::add_scaled(stream, attended, weights.attention.scale_D);
  return {sum, sum};
}

at::Tensor run_mlp(const LayerWeights& weights, const at::Tensor& normed_MD,
                   const LayerRecorder& recorder) {
  const MlpWeights& mlp = weights.mlp;
  const bool inside = weights.projection_norm;
  if (mlp.experts) return run_expert_mlp(*mlp.experts, normed_MD, inside, recorder);
  const at::Tensor inner_MF = norm_if(inside, ops::squared_relu(at::linear(normed_MD, mlp.up_FD)));
  if (!mlp.from_basis) {
    recorder.product("mlp.up", normed_MD);
    recorder.product("mlp.down", inner_MF);
  }
  return at::linear(inner_MF, mlp.down_DF);
}

/// What attention gives to the stream, of what its heads gathered.
at::Tensor project_output(const LayerWeights& weights, const at::Tensor& normed_MD,
                          const at::Tensor& mixed_MC, const LayerRecorder& recorder) {
  const at::Tensor read_MC = norm_if(weights.projection_norm, mixed_MC);
  const AttentionWeights& attention = weights.attention;
  if (attention.outputs)
    return run_expert_outputs(*attention.outputs, normed_MD, read_MC, recorder);
  recorder.product("attention.output", read_MC);
  return at::linear(read_MC, attention.output_DD);
}

/// Everything behind attention, which is the same whichever keys it read and however positions are
/// laid out.
at::Tensor finish_layer(const LayerWeights& weights, const ops::Residual& entry,
                        const at::Tensor& mixed_MC, const LayerRecorder& recorder) {
  const bool sandwich = weights.norm == NormPlacement::kSandwich;
  const at::Tensor attended =
      norm_if(sandwich, project_output(weights, entry.normed, mixed_MC, recorder));
  const ops::Residual middle = add_attention(weights, entry.stream, attended);
  const at::Tensor given = norm_if(sandwich, run_mlp(weights, middle.normed, recorder));
  return ops::add_scaled(middle.stream, given, weights.mlp.scale_D);
}

/// The rows of the projection that make queries.
int64_t query_width(const LayerWeights& weights, const RowSet& rows) {
  return weights.attention.gain_H.size(0) * rows.rotary.head_width;
}

/// Queries of every row.
at::Tensor project_queries(const LayerWeights& weights, const at::Tensor& normed_MD,
                           const RowSet& rows, const LayerRecorder& recorder) {
  recorder.product("attention.query", normed_MD);
  return at::linear(normed_MD,
                    weights.attention.projection_CD.narrow(0, 0, query_width(weights, rows)));
}

/// What `projection_CD`, whose last rows make keys and where values have no experts values, gives;
/// and the values of experts.
at::Tensor project(const AttentionWeights& attention, const at::Tensor& projection_CD,
                   const at::Tensor& normed_MD, const LayerRecorder& recorder) {
  const at::Tensor dense_MC = at::linear(normed_MD, projection_CD);
  recorder.product("attention.key", normed_MD);
  if (attention.values)
    return at::cat({dense_MC, run_expert_values(*attention.values, normed_MD, recorder)}, 1);
  recorder.product("attention.value", normed_MD);
  return dense_MC;
}

/// Queries, keys and values of every row.
at::Tensor project_all(const LayerWeights& weights, const at::Tensor& normed_MD,
                       const LayerRecorder& recorder) {
  recorder.product("attention.query", normed_MD);
  return project(weights.attention, weights.attention.projection_CD, normed_MD, recorder);
}

LayerRecorder recorder_of(const LayerWeights& weights, const RowSet& rows) {
  return {weights.layer, rows.routers, rows.products, weights.pass};
}

}  // namespace

at::Tensor run_layer(const LayerWeights& weights, const at::Tensor& hidden_MD, const RowSet& rows,
                     const LayerReads& reads) {
  const LayerRecorder recorder = recorder_of(weights, rows);
  const ops::Residual entry = enter_layer(weights, hidden_MD, rows.embedded_MD);
  const at::Tensor projected_MC = reads.makes_keys
                                      ? project_all(weights, entry.normed, recorder)
                                      : project_queries(weights, entry.normed, rows, recorder);
  const ops::Heads heads =
      ops::split_heads(projected_MC, weights.attention.gain_H, rows.rotary, rows.positions_M);
  return finish_layer(weights, entry, reads.attend(heads), recorder);
}

ops::KeyRows make_keys(const LayerWeights& weights, const at::Tensor& hidden_MD,
                       const RowSet& rows) {
  const AttentionWeights& attention = weights.attention;
  const ops::Residual entry = enter_layer(weights, hidden_MD, rows.embedded_MD);
  const at::Tensor projected_MC =
      project(attention, attention.projection_CD.slice(0, query_width(weights, rows)), entry.normed,
              recorder_of(weights, rows));
  const ops::Heads heads = ops::split_heads(projected_MC, attention.gain_H.slice(0, 0, 0),
                                            rows.rotary, rows.positions_M);
  return {heads.keys_MGE, heads.values_MGE};
}

}  // namespace reprise
