// The best matrix of low rank beside a given one, in fp64: a truncated singular value decomposition
// by block power iteration from a fixed random start (Halko, Martinsson and Tropp, "Finding
// structure with randomness", arXiv:0909.4061, algorithm 4.4).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace reprise {

/// left [rows, rank], its columns of the length of the singular values; right [rank, columns],
/// its rows orthonormal; both row-major, terms by falling singular value. No matrix of this rank
/// captures more of the squares than their product, but for what another iteration would add: less
/// than 1e-4 of them.
struct LowRank {
  int64_t rank = 0;
  std::vector<double> left, right;
};

/// `matrix` is [rows, columns], row-major; 1 <= rank <= both. A matrix of a lower rank has terms of
/// zeros. The same numbers whatever the threads.
LowRank truncated_svd(std::span<const double> matrix, int64_t rows, int64_t columns, int64_t rank);

}  // namespace reprise
