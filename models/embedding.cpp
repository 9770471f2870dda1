#include "models/embedding.h"

#include <ATen/ATen.h>

#include "models/device.h"

namespace reprise {

Embedding bind_embedding(const Parameters& parameters, const ModelOptions& options,
                         std::string_view name, at::ScalarType compute) {
  Embedding bound{parameters[name].to(compute), {}};
  if (options.embedding_rank > 0)
    bound.projection_DR = parameters[concat(name, ".projection")].to(compute);
  return bound;
}

at::Tensor embed(const Embedding& embedding, const at::Tensor& tokens) {
  const at::Tensor rows =
      at::embedding(embedding.table_VR, moved_to(embedding.table_VR.device(), tokens));
  return embedding.projection_DR.defined() ? at::linear(rows, embedding.projection_DR) : rows;
}

at::Tensor head_features(const Embedding& head, const at::Tensor& features) {
  return head.projection_DR.defined() ? at::matmul(features, head.projection_DR) : features;
}

}  // namespace reprise
