#include "models/pass_interface.h"

#include <ATen/ATen.h>
#include <ATen/OpMathType.h>

#include "models/ops/residual.h"

namespace reprise {
namespace {

constexpr const char* kProjection = "reinjection.projection";

}  // namespace

PassInterface::PassInterface(const ModelOptions& options, const Parameters& parameters,
                             at::ScalarType compute, ProductLog* products)
    : reinjection_(options.reinjection), passes_(options.passes), products_(products) {
  const auto channels = [&](const char* name) {
    return parameters[name].to(at::toOpMathType(compute));
  };
  if (reinjection_ == Reinjection::kMix) {
    const at::Tensor mix_2D = channels("reinjection.mix");
    keep_D_ = mix_2D[0];
    add_D_ = mix_2D[1];
  } else if (reinjection_ == Reinjection::kBounded) {
    keep_D_ = (-channels("reinjection.decay").exp()).exp();
    add_D_ = channels("reinjection.gain");
  } else if (reinjection_ == Reinjection::kProject) {
    projection_DC_ = parameters[kProjection].to(compute);
  }
  if (options.pass_embedding) embedding_PD_ = channels("pass.embedding");
  if (options.film) {
    scale_PD_ = channels("pass.scale");
    shift_PD_ = channels("pass.shift");
  }
  if (options.pass_mixing) mixing_P2_ = channels("pass.mixing");
}

at::Tensor PassInterface::reinject(const at::Tensor& hidden_MD,
                                   const at::Tensor& entered_MD) const {
  switch (reinjection_) {
    case Reinjection::kNone:
      break;
    case Reinjection::kMix:
    case Reinjection::kBounded:
      return ops::blend(hidden_MD, entered_MD, keep_D_, add_D_);
    case Reinjection::kProject: {
      const at::Tensor both_MC = at::cat({hidden_MD, entered_MD}, -1);
      record_product(products_, kProjection, both_MC);
      return at::linear(both_MC, projection_DC_);
    }
  }
  return hidden_MD;
}

at::Tensor PassInterface::begin(int64_t pass, at::Tensor hidden_MD,
                                const at::Tensor& entered_MD) const {
  hidden_MD = reinject(hidden_MD, entered_MD);
  const auto vector_of = [&](const at::Tensor& rows_PD) {
    return rows_PD[own(pass)].to(hidden_MD.scalar_type());
  };
  if (embedding_PD_.defined()) hidden_MD = hidden_MD + vector_of(embedding_PD_);
  if (scale_PD_.defined())
    hidden_MD = at::addcmul(vector_of(shift_PD_), hidden_MD, vector_of(scale_PD_));
  return hidden_MD;
}

at::Tensor PassInterface::end(int64_t pass, const at::Tensor& hidden_MD,
                              const at::Tensor& before_MD) const {
  if (!mixing_P2_.defined()) return hidden_MD;
  const at::Tensor weights_2D =
      mixing_P2_[own(pass)].unsqueeze(-1).expand({2, hidden_MD.size(1)}).contiguous();
  return ops::blend(hidden_MD, before_MD, weights_2D[0], weights_2D[1]);
}

}  // namespace reprise
