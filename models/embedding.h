// From token ids to the residual stream and back to features that a table of tokens is multiplied
// with. The table has the stream's width, or a rank below it and a projection onto the width: a
// factorised embedding (Lan et al., "ALBERT", arXiv:1909.11942), which pays for a large vocabulary.
#pragma once

#include <ATen/core/Tensor.h>

#include "models/parameters.h"
#include "models/product_log.h"

namespace reprise {

struct Embedding {
  std::string name;  ///< of the table
  at::Tensor table_VR;
  at::Tensor projection_DR;  ///< undefined where R is the width
};

/// `name` ("embedding" or "head") in the arithmetic of the pass; the casts are part of the autograd
/// graph.
Embedding bind_embedding(const Parameters& parameters, const ModelOptions& options,
                         std::string_view name, at::ScalarType compute);

/// [...] int64 -> [..., D].
at::Tensor embed(const Embedding& embedding, const at::Tensor& tokens,
                 ProductLog* products = nullptr);

/// [..., D] -> [..., R], whose products with the table's rows are the logits before the cap. The
/// projection is read the other way round here, P^T x: of that product nothing is recorded.
at::Tensor head_features(const Embedding& head, const at::Tensor& features,
                         ProductLog* products = nullptr);

}  // namespace reprise
