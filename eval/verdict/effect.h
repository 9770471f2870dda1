// One difference between two ways of scoring the same documents, measured over however many
// training seeds there are.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "eval/stats/bootstrap.h"
#include "eval/stats/decision.h"
#include "eval/stats/score.h"

namespace reprise {

/// From this many training seeds on, an interval speaks of architectures and not of one pair of
/// checkpoints.
inline constexpr size_t kSeedsForArchitecture = 3;

/// Below this many documents no contrast is decided: intervals from a handful of clusters are too
/// short, and "few" begins at less than 20 to 50 of them (Cameron & Miller, "A Practitioner's Guide
/// to Cluster-Robust Inference", Journal of Human Resources 50, 2015, section VI).
inline constexpr int64_t kFewestDocuments = 20;

/// Below this many documents with text there is no standard error at all.
inline constexpr int64_t kMeasurableDocuments = 2;

/// Bits per byte of documents, or of differences on documents, with all that is known of its error.
struct Effect {
  double estimate = 0;
  double delta_standard_error = 0;   ///< over documents alone, beside what the bootstrap says
  int64_t documents = 0, seeds = 0;  ///< documents that have text here
  bool over_seeds = false;           ///< the distribution counts the variance of training seeds
  std::optional<double> seed_variance;
  std::shared_ptr<const SamplingDistribution> distribution;

  Variance variance() const;
};

/// Documents with bytes.
int64_t count_with_text(const DocumentScores& documents);

/// `by_seed[s][i]`: documents without bytes are left out. The distribution is BCa over documents on
/// the mean of fewer than kSeedsForArchitecture seeds, and the interval over seeds and documents
/// from there on.
Effect measure(std::span<const DocumentScores> by_seed, const BootstrapOptions& options);

}  // namespace reprise
