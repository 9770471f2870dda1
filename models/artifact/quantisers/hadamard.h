// The randomised Hadamard matrix that makes a tensor's columns alike before they are rounded:
// H = D B, D a diagonal of random signs, B block-diagonal, its blocks orthonormal Hadamard
// matrices of the largest power of two that divides the columns. An outlier is spread over its
// block, so that no few weights set the scale of a row (Chee et al., "QuIP", arXiv:2307.13304;
// Tseng et al., "QuIP#", arXiv:2402.04396, section 3; Ashkboos et al., "QuaRot", arXiv:2404.00456).
//
// The signs follow from the number of columns, so that a file holds none of this but that it was
// done. A block takes b log2 b additions a row (the fast Walsh-Hadamard transform).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace reprise {

/// The largest power of two that divides `columns` (positive).
int64_t hadamard_block(int64_t columns);

/// W becomes W H, row-major rows of `columns` in fp32.
void rotate_rows(std::span<float> weights, int64_t columns);
/// W becomes W H^T = W H^-1.
void rotate_rows_back(std::span<float> weights, int64_t columns);

/// The diagonal of H^T diag(weights) H: every column of a block gets the block's mean.
void rotate_diagonal(std::span<float> weights);

/// X becomes H^T X H, [columns, columns], symmetric.
void rotate_hessian(std::span<double> hessian, int64_t columns);

}  // namespace reprise
