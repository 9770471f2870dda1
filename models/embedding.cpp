#include "models/embedding.h"

#include <ATen/ATen.h>

#include "models/device.h"

namespace reprise {

namespace {

std::string projection_of(std::string_view table) { return concat(table, ".projection"); }

}  // namespace

Embedding bind_embedding(const Parameters& parameters, const ModelOptions& options,
                         std::string_view name, at::ScalarType compute) {
  Embedding bound{std::string(name), parameters[name].to(compute), {}};
  if (options.embedding_rank > 0) bound.projection_DR = parameters[projection_of(name)].to(compute);
  return bound;
}

at::Tensor embed(const Embedding& embedding, const at::Tensor& tokens, ProductLog* products) {
  const at::Tensor rows =
      at::embedding(embedding.table_VR, moved_to(embedding.table_VR.device(), tokens));
  if (!embedding.projection_DR.defined()) return rows;
  record_product(products, projection_of(embedding.name), rows);
  return at::linear(rows, embedding.projection_DR);
}

at::Tensor head_features(const Embedding& head, const at::Tensor& features, ProductLog* products) {
  const at::Tensor read =
      head.projection_DR.defined() ? at::matmul(features, head.projection_DR) : features;
  record_product(products, head.name, read);
  return read;
}

}  // namespace reprise
