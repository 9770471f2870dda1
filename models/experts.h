// Mixtures of experts: the MLP of a layer as many small ones, and its value and output projections
// as several matrices for each head. A row runs through the experts its router takes (routing.h)
// and through no other: rows are sorted by expert, multiplied group by group, and added up again.
//
//   mlp        y = sum over the K experts x of the row: s_x W_down,x max(W_up,x n, 0)^2
//   value      v_g = sum over K experts of head g: s_gx W_value,gx n
//   output     y = sum over heads h and K experts of each: s_hx W_output,hx o_h
//
// where n is what the layer's attention or MLP reads, s = sigmoid(router n) and o_h what head h
// gathered. The MLP: Csordas et al., arXiv:2310.10837; projections: Csordas et al., "SwitchHead",
// arXiv:2312.07987, section 2.2; both in repeated groups of layers: "MoEUT", arXiv:2405.16039.
#pragma once

#include "models/parameters.h"
#include "models/pass_plan.h"
#include "models/product_log.h"
#include "models/routing.h"

namespace reprise {

/// Rows x S + s of `weights_RD` score expert x for set s.
struct Router {
  std::string matrix;     ///< of the layer: "mlp.router"
  at::Tensor weights_RD;  ///< fp32 (fp64 for fp64): a rounded logit may choose another expert
  int64_t sets = 1, top_k = 0;
};

struct ExpertMlp {
  Router router;
  at::Tensor up_XFD, down_XDF;
};

/// A projection of S heads, expert x of head s at weights[x S + s].
struct ExpertProjection {
  Router router;
  at::Tensor weights_XRC;
};

/// A router of the model, and over what it decides.
struct RouterPlace {
  int64_t layer = 0;
  std::string place;  ///< as in RouterUse
  int64_t experts = 0, sets = 0, top_k = 0;
};
/// In the order in which they run in a pass.
std::vector<RouterPlace> router_places(const ModelOptions& options);
/// Those of one layer, of which `plan` is part of the model's.
std::vector<RouterPlace> router_places(const ModelOptions& options, const LayerPlan& plan,
                                       int64_t layer);

/// What says of which layer a record is, and who keeps it. Logs may be null.
struct LayerRecorder {
  int64_t layer = 0;
  RouterLog* routers = nullptr;
  ProductLog* products = nullptr;
  int64_t pass = 0;  ///< of ProductUse

  /// That the layer's matrix `name` ("mlp.up") multiplied these rows.
  void product(std::string_view name, const at::Tensor& inputs_MC) const;
};

ExpertMlp bind_expert_mlp(const Parameters& parameters, const ModelOptions& options,
                          const std::string& prefix, at::ScalarType compute);
/// Values: [D] -> [G, E] of every key/value head.
ExpertProjection bind_expert_values(const Parameters& parameters, const ModelOptions& options,
                                    const std::string& prefix, at::ScalarType compute);
/// Outputs: [H, E] -> [D].
ExpertProjection bind_expert_outputs(const Parameters& parameters, const ModelOptions& options,
                                     const std::string& prefix, at::ScalarType compute);

/// Where a layer also normalises what its output and down projections read, `norm_inside` says so.
at::Tensor run_expert_mlp(const ExpertMlp& experts, const at::Tensor& normed_MD, bool norm_inside,
                          const LayerRecorder& recorder);
at::Tensor run_expert_values(const ExpertProjection& experts, const at::Tensor& normed_MD,
                             const LayerRecorder& recorder);
/// `normed_MD` is what the router reads, `mixed_MC` the heads' results.
at::Tensor run_expert_outputs(const ExpertProjection& experts, const at::Tensor& normed_MD,
                              const at::Tensor& mixed_MC, const LayerRecorder& recorder);

}  // namespace reprise
