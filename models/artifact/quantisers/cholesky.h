// H = V V^T of a symmetric positive definite matrix, V upper triangular, in double precision.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace reprise {

/// `matrix_NN` row-major, of which the upper triangle is read; V replaces it there, the rest is
/// left. False where a pivot is not positive (or not a number): the matrix is not positive
/// definite, and its upper triangle is undefined. One thread; N^3 / 3 products.
bool factorise_upper(std::span<double> matrix_NN, size_t n);

}  // namespace reprise
