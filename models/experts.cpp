#include "models/experts.h"

#include <ATen/ATen.h>
#include <ATen/OpMathType.h>

#include <algorithm>
#include <iterator>

#include "models/ops/expert_rows.h"
#include "models/ops/grouped_product.h"
#include "models/ops/rms_norm.h"
#include "models/ops/squared_relu.h"

namespace reprise {
namespace {

Router bind_router(const Parameters& parameters, const std::string& name, int64_t sets,
                   int64_t top_k, at::ScalarType compute) {
  return {parameters[name].to(at::toOpMathType(compute)), sets, top_k};
}

at::Tensor bind_matrices(const Parameters& parameters, const std::string& matrix, int64_t experts,
                         at::ScalarType compute) {
  std::vector<at::Tensor> matrices;
  for (int64_t expert = 0; expert < experts; ++expert)
    matrices.push_back(parameters[expert_name(matrix, expert)]);
  return at::stack(matrices).to(compute);
}

Routing choose(const Router& router, const at::Tensor& normed_MD, const char* place,
               RouterRecorder recorder) {
  const at::Tensor logits_MR =
      at::linear(normed_MD.to(router.weights_RD.scalar_type()), router.weights_RD);
  const at::Tensor logits_MSX = logits_MR.unflatten(1, {-1, router.sets}).transpose(1, 2);
  Routing routing = route(logits_MSX, router.top_k);
  if (recorder.log)
    recorder.log->push_back({recorder.layer, place, logits_MSX, routing.chosen_MSK});
  return routing;
}

}  // namespace

std::vector<RouterPlace> router_places(const ModelOptions& options, const LayerPlan& plan,
                                       int64_t layer) {
  const ExpertOptions& experts = options.experts;
  const int64_t count = experts.attention_count, top_k = experts.attention_top_k;
  std::vector<RouterPlace> places;
  if (plan.attention_experts)
    places = {{layer, "value", count, options.kv_heads, top_k},
              {layer, "output", count, options.heads, top_k}};
  if (plan.mlp == MlpKind::kExperts)
    places.push_back({layer, "mlp", experts.count, 1, experts.top_k});
  return places;
}

std::vector<RouterPlace> router_places(const ModelOptions& options) {
  std::vector<RouterPlace> places;
  int64_t layer = 0;
  for (const LayerPlan& plan : plan_layers(options))
    std::ranges::move(router_places(options, plan, layer++), std::back_inserter(places));
  return places;
}

ExpertMlp bind_expert_mlp(const Parameters& parameters, const ModelOptions& options,
                          const std::string& prefix, at::ScalarType compute) {
  const ExpertOptions& experts = options.experts;
  return {bind_router(parameters, prefix + "mlp.router", 1, experts.top_k, compute),
          bind_matrices(parameters, prefix + "mlp.up", experts.count, compute),
          bind_matrices(parameters, prefix + "mlp.down", experts.count, compute)};
}

ExpertProjection bind_expert_values(const Parameters& parameters, const ModelOptions& options,
                                    const std::string& prefix, at::ScalarType compute) {
  const ExpertOptions& experts = options.experts;
  const std::string name = prefix + "attention.value";
  return {
      bind_router(parameters, name + ".router", options.kv_heads, experts.attention_top_k, compute),
      bind_matrices(parameters, name, experts.attention_count, compute)
          .unflatten(1, {options.kv_heads, options.head_width()})
          .flatten(0, 1)};
}

ExpertProjection bind_expert_outputs(const Parameters& parameters, const ModelOptions& options,
                                     const std::string& prefix, at::ScalarType compute) {
  const ExpertOptions& experts = options.experts;
  const std::string name = prefix + "attention.output";
  return {
      bind_router(parameters, name + ".router", options.heads, experts.attention_top_k, compute),
      bind_matrices(parameters, name, experts.attention_count, compute)
          .unflatten(2, {options.heads, options.head_width()})
          .transpose(1, 2)
          .flatten(0, 1)};
}

at::Tensor run_expert_mlp(const ExpertMlp& experts, const at::Tensor& normed_MD, bool norm_inside,
                          RouterRecorder recorder) {
  const Routing routing = choose(experts.router, normed_MD, "mlp", recorder);
  const at::Tensor slots_MK = routing.slots_MSK.flatten(1);
  const at::Tensor packed_ND = ops::spread(normed_MD, slots_MK, routing.slots());
  at::Tensor inner_NF =
      ops::squared_relu(ops::grouped_product(packed_ND, routing.offsets, experts.up_XFD));
  if (norm_inside) inner_NF = ops::rms_norm(inner_NF);
  return ops::combine(ops::grouped_product(inner_NF, routing.offsets, experts.down_XDF), slots_MK,
                      routing.weights_MSK.flatten(1));
}

at::Tensor run_expert_values(const ExpertProjection& experts, const at::Tensor& normed_MD,
                             RouterRecorder recorder) {
  const Routing routing = choose(experts.router, normed_MD, "value", recorder);
  const at::Tensor packed_ND =
      ops::spread(normed_MD, routing.slots_MSK.flatten(1), routing.slots());
  const at::Tensor values_NE =
      ops::grouped_product(packed_ND, routing.offsets, experts.weights_XRC);
  const at::Tensor values_RE =
      ops::combine(values_NE, routing.slots_MSK.flatten(0, 1), routing.weights_MSK.flatten(0, 1));
  return values_RE.view({normed_MD.size(0), -1});
}

at::Tensor run_expert_outputs(const ExpertProjection& experts, const at::Tensor& normed_MD,
                              const at::Tensor& mixed_MC, RouterRecorder recorder) {
  const Routing routing = choose(experts.router, normed_MD, "output", recorder);
  const at::Tensor heads_RE = mixed_MC.unflatten(1, {experts.router.sets, -1}).flatten(0, 1);
  const at::Tensor packed_NE =
      ops::spread(heads_RE, routing.slots_MSK.flatten(0, 1), routing.slots());
  return ops::combine(ops::grouped_product(packed_NE, routing.offsets, experts.weights_XRC),
                      routing.slots_MSK.flatten(1), routing.weights_MSK.flatten(1));
}

}  // namespace reprise
