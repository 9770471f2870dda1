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

Router bind_router(const Parameters& parameters, const std::string& prefix, Router router,
                   at::ScalarType compute) {
  router.weights_RD = parameters[prefix + router.matrix].to(at::toOpMathType(compute));
  return router;
}

at::Tensor bind_matrices(const Parameters& parameters, const std::string& matrix, int64_t experts,
                         at::ScalarType compute) {
  std::vector<at::Tensor> matrices;
  for (int64_t expert = 0; expert < experts; ++expert)
    matrices.push_back(parameters[expert_name(matrix, expert)]);
  return at::stack(matrices).to(compute);
}

int64_t experts_of(const Routing& routing) {
  return (std::ssize(routing.offsets) - 1) / routing.chosen_MSK.size(1);
}

/// Where rows took an expert, in any set: their slots, and the weights of what it gives them.
struct Takers {
  at::Tensor slots_N, weights_N1;
};
Takers takers_of(const Routing& routing, int64_t expert) {
  const at::Tensor taken_MSK = routing.chosen_MSK == expert;
  return {routing.slots_MSK.masked_select(taken_MSK),
          routing.weights_MSK.detach().masked_select(taken_MSK).unsqueeze(-1)};
}

// What is added up is s W x, the product of W with s x: rows of the matrices that end a mixture are
// recorded times their weight, and the slots that only fill groups up are not.

void record_mlp(const LayerRecorder& recorder, const Routing& routing, const at::Tensor& packed_ND,
                const at::Tensor& inner_NF) {
  if (!recorder.products) return;
  for (int64_t expert = 0; expert < experts_of(routing); ++expert) {
    const Takers takers = takers_of(routing, expert);
    recorder.product(expert_name("mlp.up", expert),
                     packed_ND.detach().index_select(0, takers.slots_N));
    recorder.product(expert_name("mlp.down", expert),
                     inner_NF.detach().index_select(0, takers.slots_N) * takers.weights_N1);
  }
}

/// Each row once for every head that took the expert.
void record_values(const LayerRecorder& recorder, const Routing& routing,
                   const at::Tensor& packed_ND) {
  if (!recorder.products) return;
  for (int64_t expert = 0; expert < experts_of(routing); ++expert) {
    const Takers takers = takers_of(routing, expert);
    recorder.product(expert_name("attention.value", expert),
                     packed_ND.detach().index_select(0, takers.slots_N) * takers.weights_N1);
  }
}

/// Each row once, with zeros for the heads that did not take the expert.
void record_outputs(const LayerRecorder& recorder, const Routing& routing,
                    const at::Tensor& mixed_MC) {
  if (!recorder.products) return;
  const at::Tensor heads_MSE =
      mixed_MC.detach().unflatten(1, at::IntArrayRef{routing.chosen_MSK.size(1), -1});
  for (int64_t expert = 0; expert < experts_of(routing); ++expert) {
    const at::Tensor taken_MSK = routing.chosen_MSK == expert;
    const at::Tensor weights_MS1 =
        (routing.weights_MSK.detach() * taken_MSK).sum(-1, /*keepdim=*/true);
    const at::Tensor rows_N = taken_MSK.flatten(1).any(-1).nonzero().squeeze(-1);
    recorder.product(expert_name("attention.output", expert),
                     (heads_MSE * weights_MS1).flatten(1).index_select(0, rows_N));
  }
}

Routing choose(const Router& router, const at::Tensor& normed_MD, const char* place,
               const LayerRecorder& recorder) {
  const at::Tensor logits_MR =
      at::linear(normed_MD.to(router.weights_RD.scalar_type()), router.weights_RD);
  const at::Tensor logits_MSX = logits_MR.unflatten(1, {-1, router.sets}).transpose(1, 2);
  Routing routing = route(logits_MSX, router.top_k);
  recorder.product(router.matrix, normed_MD);
  if (recorder.routers)
    recorder.routers->push_back({recorder.layer, place, logits_MSX, routing.chosen_MSK});
  return routing;
}

}  // namespace

void LayerRecorder::product(std::string_view name, const at::Tensor& inputs_MC) const {
  if (products) products->push_back({concat("layer.", layer, ".", name), pass, inputs_MC.detach()});
}

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
  return {bind_router(parameters, prefix, {"mlp.router", {}, 1, experts.top_k}, compute),
          bind_matrices(parameters, prefix + "mlp.up", experts.count, compute),
          bind_matrices(parameters, prefix + "mlp.down", experts.count, compute)};
}

ExpertProjection bind_expert_values(const Parameters& parameters, const ModelOptions& options,
                                    const std::string& prefix, at::ScalarType compute) {
  const ExpertOptions& experts = options.experts;
  return {bind_router(parameters, prefix,
                      {"attention.value.router", {}, options.kv_heads, experts.attention_top_k},
                      compute),
          bind_matrices(parameters, prefix + "attention.value", experts.attention_count, compute)
              .unflatten(1, {options.kv_heads, options.head_width()})
              .flatten(0, 1)};
}

ExpertProjection bind_expert_outputs(const Parameters& parameters, const ModelOptions& options,
                                     const std::string& prefix, at::ScalarType compute) {
  const ExpertOptions& experts = options.experts;
  return {
      bind_router(parameters, prefix,
                  {"attention.output.router", {}, options.heads, experts.attention_top_k}, compute),
      bind_matrices(parameters, prefix + "attention.output", experts.attention_count, compute)
          .unflatten(2, {options.heads, options.head_width()})
          .transpose(1, 2)
          .flatten(0, 1)};
}

at::Tensor run_expert_mlp(const ExpertMlp& experts, const at::Tensor& normed_MD, bool norm_inside,
                          const LayerRecorder& recorder) {
  const Routing routing = choose(experts.router, normed_MD, "mlp", recorder);
  const at::Tensor slots_MK = routing.slots_MSK.flatten(1);
  const at::Tensor packed_ND = ops::spread(normed_MD, slots_MK, routing.slots());
  at::Tensor inner_NF =
      ops::squared_relu(ops::grouped_product(packed_ND, routing.offsets, experts.up_XFD));
  if (norm_inside) inner_NF = ops::rms_norm(inner_NF);
  record_mlp(recorder, routing, packed_ND, inner_NF);
  return ops::combine(ops::grouped_product(inner_NF, routing.offsets, experts.down_XDF), slots_MK,
                      routing.weights_MSK.flatten(1));
}

at::Tensor run_expert_values(const ExpertProjection& experts, const at::Tensor& normed_MD,
                             const LayerRecorder& recorder) {
  const Routing routing = choose(experts.router, normed_MD, "value", recorder);
  const at::Tensor packed_ND =
      ops::spread(normed_MD, routing.slots_MSK.flatten(1), routing.slots());
  record_values(recorder, routing, packed_ND);
  const at::Tensor values_NE =
      ops::grouped_product(packed_ND, routing.offsets, experts.weights_XRC);
  const at::Tensor values_RE =
      ops::combine(values_NE, routing.slots_MSK.flatten(0, 1), routing.weights_MSK.flatten(0, 1));
  return values_RE.view({normed_MD.size(0), experts.router.sets * values_RE.size(1)});
}

at::Tensor run_expert_outputs(const ExpertProjection& experts, const at::Tensor& normed_MD,
                              const at::Tensor& mixed_MC, const LayerRecorder& recorder) {
  const Routing routing = choose(experts.router, normed_MD, "output", recorder);
  record_outputs(recorder, routing, mixed_MC);
  const at::Tensor heads_RE = mixed_MC.unflatten(1, {experts.router.sets, -1}).flatten(0, 1);
  const at::Tensor packed_NE =
      ops::spread(heads_RE, routing.slots_MSK.flatten(0, 1), routing.slots());
  return ops::combine(ops::grouped_product(packed_NE, routing.offsets, experts.weights_XRC),
                      routing.slots_MSK.flatten(1), routing.weights_MSK.flatten(1));
}

}  // namespace reprise
