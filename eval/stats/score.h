// Bits per byte of a set of documents, and how far it is from the truth: the ratio estimator and
// its standard error.
//
// The unit of every statistic here is the document: tokens of one text are not independent. A score
// may be that of one arm, or the difference of two arms on the same document; then `nats` may be
// negative and the ratio is a difference.
#pragma once

#include <span>
#include <vector>

#include "base/units.h"

namespace reprise {

/// What one document contributes to a ratio.
struct DocumentScore {
  Nats nats;
  Bytes bytes;  ///< of source text; 0 where the document has no token of the slice
};

using DocumentScores = std::vector<DocumentScore>;

/// Σ nats / ln 2 ÷ Σ bytes. Throws kInvalidTrace where there are no bytes.
double bits_per_byte(std::span<const DocumentScore> documents);

/// Standard error of that ratio by the delta method: with e_i = bits_i − R·bytes_i and B = Σ
/// bytes_i,
///   se² = n / (n − 1) · Σ e_i² / B²
/// Cochran, "Sampling Techniques", 3rd ed. 1977, eq. 2.45 without the finite-population factor.
/// Needs two documents.
double delta_standard_error(std::span<const DocumentScore> documents);

/// The ratio without document i, for every i: the jackknife values of the BCa acceleration.
std::vector<double> leave_one_out(std::span<const DocumentScore> documents);

/// `first` − `second` on each document. Throws kInvalidTrace where they are not the same documents
/// by bytes.
DocumentScores difference(std::span<const DocumentScore> first,
                          std::span<const DocumentScore> second);

/// Mean over training seeds on each document: `by_seed[s][i]`. Throws kInvalidTrace as difference()
/// does.
DocumentScores average(std::span<const DocumentScores> by_seed);

}  // namespace reprise
