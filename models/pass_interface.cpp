#include "models/pass_interface.h"

#include <ATen/ATen.h>
#include <ATen/OpMathType.h>

#include <algorithm>

#include "models/ops/residual.h"

namespace reprise {

PassInterface::PassInterface(const ModelOptions& options, const Parameters& parameters,
                             at::ScalarType compute)
    : reinjection_(options.reinjection), passes_(options.passes) {
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
    projection_DC_ = parameters["reinjection.projection"].to(compute);
  }
  if (options.pass_embedding) embedding_PD_ = channels("pass.embedding");
  if (options.film) {
    scale_PD_ = channels("pass.scale");
    shift_PD_ = channels("pass.shift");
  }
}

at::Tensor PassInterface::reinject(const at::Tensor& hidden_MD,
                                   const at::Tensor& entered_MD) const {
  switch (reinjection_) {
    case Reinjection::kNone:
      break;
    case Reinjection::kMix:
    case Reinjection::kBounded:
      return ops::blend(hidden_MD, entered_MD, keep_D_, add_D_);
    case Reinjection::kProject:
      return at::linear(at::cat({hidden_MD, entered_MD}, -1), projection_DC_);
  }
  return hidden_MD;
}

at::Tensor PassInterface::begin(int64_t pass, at::Tensor hidden_MD,
                                const at::Tensor& entered_MD) const {
  const int64_t own = std::min(pass, passes_ - 1);
  hidden_MD = reinject(hidden_MD, entered_MD);
  const auto vector_of = [&](const at::Tensor& rows_PD) {
    return rows_PD[own].to(hidden_MD.scalar_type());
  };
  if (embedding_PD_.defined()) hidden_MD = hidden_MD + vector_of(embedding_PD_);
  if (scale_PD_.defined())
    hidden_MD = at::addcmul(vector_of(shift_PD_), hidden_MD, vector_of(scale_PD_));
  return hidden_MD;
}

}  // namespace reprise
