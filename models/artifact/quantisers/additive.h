// Additive quantisation: `vector` weights of a row that lie side by side are the scale of the row *
// (a vector of one codebook + a vector of another) (Babenko and Lempitsky, "Additive quantization
// for extreme vector compression", 2014; for weights Egiazarian et al., "AQLM", arXiv:2401.06118).
//
// Here are the two halves of the encoder's iteration: codes for given codebooks, by a beam search,
// and a codebook for given codes, by least squares. Neither raises the error of the other's last
// result. additive_quantiser.h puts them together.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "models/artifact/quantisers/form.h"

namespace reprise {

inline constexpr int64_t kMostCodes = 256, kLongestVector = 8;

/// Codes of one codebook to a row; the last vector may reach beyond the row's end.
int64_t vectors_of_row(int64_t columns, int64_t vector);

/// What is to be coded. The error of vector x of row i in group g, stood for by q, is
/// row_weights[i] (x - q)^T metrics[g] (x - q).
struct VectorProblem {
  size_t rows = 0, groups = 0, vector = 0;
  std::vector<float> values;       ///< [group][row][vector]
  std::vector<float> row_weights;  ///< [row]
  std::vector<float> metrics;      ///< [group][vector][vector], symmetric, no negative eigenvalue

  const float* at(size_t group, size_t row) const { return &values[(group * rows + row) * vector]; }
  const float* metric(size_t group) const { return &metrics[group * vector * vector]; }
};

struct Codebook {
  size_t vector = 0;
  std::vector<float> entries;  ///< [entries][vector]
  size_t size() const { return entries.size() / vector; }
  const float* at(size_t entry) const { return &entries[entry * vector]; }
};

using Codebooks = std::array<Codebook, 2>;
/// Of the two codebooks, [group][row].
using VectorCodes = std::array<std::vector<uint8_t>, 2>;

struct BeamOptions {
  /// Entries of the leading codebook that are tried with all of the other's. 1: greedy.
  size_t width = 8;
  size_t leading = 0;  ///< the codebook that is first fitted to the other's codes
};

/// Improves the codes: the `width` entries of the leading codebook that go best with the other's
/// present code, and with each the best entry of the other. Codes that are empty start from the
/// leading codebook alone. Returns the error of all.
double search_codes(const VectorProblem& problem, const Codebooks& codebooks,
                    const BeamOptions& options, VectorCodes& codes);

/// The entries of least error of codebook `which` for these codes, the other codebook as it is;
/// those that no code names stay.
void fit_codebook(const VectorProblem& problem, const VectorCodes& codes, size_t which,
                  Codebooks& codebooks);

/// Streams: scales, codebooks, codes of the first, codes of the second. Throws kBadInput for a code
/// beyond its codebook.
std::vector<float> dequantise_additive(const TensorShape& shape,
                                       std::span<const std::string_view> streams);

}  // namespace reprise
