#include "models/layer_weights.h"

#include <ATen/ATen.h>
#include <ATen/OpMathType.h>

#include "models/basis.h"

namespace reprise {

namespace {

/// Looks up what one layer has, for one pass.
class LayerReader {
 public:
  LayerReader(const Parameters& parameters, const LayerPlan& plan, LayerUse use,
              at::ScalarType compute)
      : parameters_(parameters), plan_(plan), use_(use), compute_(compute) {}

  std::string prefix() const { return concat("layer.", use_.layer, "."); }

  at::Tensor matrix(const char* name) const {
    const std::string matrix = prefix() + name;
    if (plan_.change_rank == 0) return parameters_[matrix].to(compute_);
    // Once for all positions of a pass: cheaper than two narrow products for each.
    const std::string change = change_name(matrix, use_.pass);
    return at::addmm(parameters_[matrix], parameters_[change + ".up"],
                     parameters_[change + ".down"])
        .to(compute_);
  }

  at::Tensor scalar(const char* name) const {
    const std::string of_layer = plan_.own_scalars ? own_scalar_name(use_.layer, use_.pass, name)
                                                   : scalar_name(use_.layer, name);
    return parameters_[of_layer].to(at::toOpMathType(compute_));
  }

  /// [F, D], whichever way the MLP then reads it.
  at::Tensor from_basis(const char* name) const {
    const std::string terms = prefix() + name;
    return built_from_basis(parameters_[terms], parameters_.chosen_terms(terms),
                            parameters_["basis"])
        .to(compute_);
  }

 private:
  const Parameters& parameters_;
  const LayerPlan& plan_;
  LayerUse use_;
  at::ScalarType compute_;
};

}  // namespace

LayerWeights bind_layer(const Parameters& parameters, const ModelOptions& options,
                        const LayerPlan& plan, LayerUse use, at::ScalarType compute) {
  const LayerReader read(parameters, plan, use, compute);
  LayerWeights weights;
  weights.layer = use.layer;
  weights.pass = use.pass;
  weights.mix_2D = read.scalar("mix");
  AttentionWeights& attention = weights.attention;
  std::vector<at::Tensor> projections{read.matrix("attention.query"), read.matrix("attention.key")};
  if (plan.attention_experts) {
    attention.values = bind_expert_values(parameters, options, read.prefix(), compute);
    attention.outputs = bind_expert_outputs(parameters, options, read.prefix(), compute);
  } else {
    projections.push_back(read.matrix("attention.value"));
    attention.output_DD = read.matrix("attention.output");
  }
  attention.projection_CD = at::cat(projections);
  attention.gain_H = read.scalar("attention.gain");
  attention.scale_D = read.scalar("attention.scale");

  MlpWeights& mlp = weights.mlp;
  mlp.scale_D = read.scalar("mlp.scale");
  switch (plan.mlp) {
    case MlpKind::kDense:
      mlp.up_FD = read.matrix("mlp.up");
      mlp.down_DF = read.matrix("mlp.down");
      break;
    case MlpKind::kExperts:
      mlp.experts = bind_expert_mlp(parameters, options, read.prefix(), compute);
      break;
    case MlpKind::kBasis:
      mlp.from_basis = true;
      mlp.up_FD = read.from_basis("mlp.up.terms");
      mlp.down_DF = read.from_basis("mlp.down.terms").t();
      break;
  }
  weights.norm = options.norm;
  weights.projection_norm = options.projection_norm;
  return weights;
}

}  // namespace reprise
