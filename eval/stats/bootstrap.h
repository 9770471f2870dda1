// The bootstrap over whole documents, and over training seeds and documents together.
//
// Draw k takes its numbers from RandomStream(seed, kBootstrap, k): the draws are the same on every
// machine, and the same for every contrast with as many documents, which keeps differences between
// contrasts free of drawing noise.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "eval/stats/distribution.h"
#include "eval/stats/score.h"

namespace reprise {

struct BootstrapOptions {
  int64_t draws = 10'000;
  uint64_t seed = 1;
};

/// Bits per byte of `draws` samples of as many documents, drawn with replacement: the cluster
/// bootstrap (Davison & Hinkley, "Bootstrap Methods and their Application", 1997, section 3.8),
/// which keeps the tokens of a document together.
std::vector<double> bootstrap_documents(std::span<const DocumentScore> documents,
                                        const BootstrapOptions& options);

/// Variance of the mean over S >= 2 training seeds that is due to the seeds: the sample variance of
/// their effects, over S.
double seed_variance(std::span<const DocumentScores> by_seed);

/// An effect over several training seeds: its parts of variance, and its distribution.
struct SeedEffect {
  double estimate = 0;
  double standard_error = 0;     ///< of the draws over seeds and documents
  double document_variance = 0;  ///< delta method, on the mean over seeds
  double seed_variance = 0;      ///< seed_variance()
  double degrees_of_freedom = 0;
};

/// `by_seed[s][i]`: the same documents under each of S >= 2 seeds. Documents and seeds are drawn
/// independently, as befits crossed factors: Owen, "The pigeonhole bootstrap", Annals of Applied
/// Statistics 1, 2007. Seed deviations are stretched by √(S / (S − 1)), since drawing S of S
/// understates their variance by (S − 1) / S (Rao & Wu, JASA 83, 1988).
///
/// The limits are not percentiles: three seeds give ten different samples, and the outermost of
/// those cover 75 % and not 95 %. They are Student's t on the standard error of the draws, with the
/// degrees of freedom of Satterthwaite (Biometrics Bulletin 2, 1946): ν = (V_d + V_s)² / (V_d² / (n
/// − 1) + V_s² / (S − 1)).
SeedEffect bootstrap_seeds(std::span<const DocumentScores> by_seed,
                           const BootstrapOptions& options);

}  // namespace reprise
