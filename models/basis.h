// Matrices built from one basis that all layers share: row f of a layer's matrix is the sum of K of
// the basis's vectors, by weights of its own. Between a static model, whose layers share nothing,
// and a looped one, whose passes share all: Uyuk et al., "Learning parameter sharing with tensor
// decompositions and sparsity" (FiPS), arXiv:2411.09816, where training finds which vectors a row
// takes and the file stores it; here it is drawn once, by matrix and row, and costs no byte.
//
// An MLP is W_up = S_up B and W_down = (S_down B)^T: B [r, D], S [F, r] with K values in a row.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace reprise {

struct BasisPattern {
  int64_t rows = 0, terms = 0, rank = 0;
};

/// Which vectors each row takes: K distinct ones of `rank`, ascending, [F, K] int64 on the host; a
/// pure function of its arguments. `matrix` counts the matrices of the model.
at::Tensor draw_terms(const BasisPattern& pattern, uint32_t matrix);

/// S B: terms_FK at the columns chosen_FK of S, times basis_RD -> [F, D]; part of the autograd
/// graph. One dense product, made once for all positions.
at::Tensor built_from_basis(const at::Tensor& terms_FK, const at::Tensor& chosen_FK,
                            const at::Tensor& basis_RD);

}  // namespace reprise
