// A matrix of low rank in integers, added to a body:
//
//   sum_k (left_scale[k] left_code[i, k]) (right_scale[k] right_code[k, j])
//
// Where the body has few levels, or a few directions hold much of the matrix, these bytes buy more
// than as many spent on its codes: LQER (Zhang et al., arXiv:2402.02446) and SVDQuant (Li et al.,
// arXiv:2411.05007) keep such a branch beside integers, OneBit (Xu et al., arXiv:2402.11295) beside
// signs.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/artifact/quantisers/subject.h"

namespace reprise {

/// Largest codes: four bits beside a body of several bits, eight beside one of one.
inline constexpr int kLargestInt4 = 7, kLargestInt8 = 127;

struct FactorShape {
  int64_t rows = 0, columns = 0, rank = 0;
};

/// Bytes of the stream: binary16 scales of the left columns, then of the right rows; left codes
/// [rows, rank], right codes [rank, columns], a signed byte each.
int64_t factor_bytes(const FactorShape& shape);

/// Adds the product of the factors in `stream` to `values` [rows, columns], in fp32.
void add_factors(const FactorShape& shape, std::string_view stream, std::span<float> values);

/// Factors near `matrix` [rows, columns] where errors count by `importance`: a truncated singular
/// value decomposition under its weights, the right factor rounded, the left one fitted anew to
/// what that became by least squares, and rounded. Returns their stream.
std::string fit_factors(std::span<const float> matrix, const FactorShape& shape,
                        const Importance& importance, int largest_code);

/// What the stream codes to, about: its scales and the entropy of its codes.
double forecast_factor_bits(const FactorShape& shape, std::string_view stream);

}  // namespace reprise
