#include "eval/stats/bootstrap.h"

#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/random.h"
#include "eval/bits_per_byte.h"

namespace reprise {
namespace {

/// Sums over a sample of documents with replacement; none may be empty of bytes.
double draw_ratio(std::span<const DocumentScore> documents, const RandomStream& stream) {
  const size_t n = documents.size();
  DocumentScore sum;
  for (size_t i = 0; i < n; ++i) {
    const DocumentScore& drawn = documents[stream.below(i, n)];
    sum.nats += drawn.nats;
    sum.bytes += drawn.bytes;
  }
  require(sum.bytes.value > 0, ExitCode::kInvalidTrace,
          "a bootstrap draw holds no bytes: too few documents have text in this slice");
  return bits_per_byte(sum.nats, sum.bytes);
}

/// Weights of the seeds in one draw; they sum to 1.
std::vector<double> draw_seed_weights(size_t seeds, const RandomStream& stream, uint64_t position) {
  const double count = static_cast<double>(seeds);
  const double stretch = std::sqrt(count / (count - 1));
  std::vector<double> weights(seeds, (1 - stretch) / count);
  for (size_t i = 0; i < seeds; ++i) weights[stream.below(position + i, seeds)] += stretch / count;
  return weights;
}

double sample_variance(std::span<const double> values) {
  const double n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return squares / (n - 1);
}

DocumentScores weighted(std::span<const DocumentScores> by_seed, std::span<const double> weights) {
  DocumentScores sum(by_seed[0].size());
  for (size_t i = 0; i < sum.size(); ++i) {
    sum[i].bytes = by_seed[0][i].bytes;
    for (size_t s = 0; s < by_seed.size(); ++s)
      sum[i].nats.value += weights[s] * by_seed[s][i].nats.value;
  }
  return sum;
}

/// Satterthwaite; with no variance at all, as many as there are documents.
double degrees_of_freedom(double document_variance, double seed_variance, size_t documents,
                          size_t seeds) {
  const double n = static_cast<double>(documents), s = static_cast<double>(seeds);
  const double spread =
      document_variance * document_variance / (n - 1) + seed_variance * seed_variance / (s - 1);
  const double total = document_variance + seed_variance;
  return spread > 0 ? total * total / spread : n - 1;
}

}  // namespace

std::vector<double> bootstrap_documents(std::span<const DocumentScore> documents,
                                        const BootstrapOptions& options) {
  std::vector<double> ratios(static_cast<size_t>(options.draws));
  for (size_t draw = 0; draw < ratios.size(); ++draw) {
    const RandomStream stream(options.seed, Purpose::kBootstrap, static_cast<uint32_t>(draw));
    ratios[draw] = draw_ratio(documents, stream);
  }
  return ratios;
}

double seed_variance(std::span<const DocumentScores> by_seed) {
  std::vector<double> effects;
  for (const auto& documents : by_seed) effects.push_back(bits_per_byte(documents));
  return sample_variance(effects) / static_cast<double>(effects.size());
}

SeedEffect bootstrap_seeds(std::span<const DocumentScores> by_seed,
                           const BootstrapOptions& options) {
  const size_t seeds = by_seed.size();
  require(seeds >= 2, ExitCode::kUsage, "an interval over seeds needs at least two of them");
  const DocumentScores mean = average(by_seed);

  std::vector<double> draws(static_cast<size_t>(options.draws));
  for (size_t draw = 0; draw < draws.size(); ++draw) {
    const RandomStream stream(options.seed, Purpose::kBootstrap, static_cast<uint32_t>(draw));
    const auto weights = draw_seed_weights(seeds, stream, mean.size());
    draws[draw] = draw_ratio(weighted(by_seed, weights), stream);
  }

  SeedEffect effect;
  effect.estimate = bits_per_byte(mean);
  effect.standard_error = std::sqrt(sample_variance(draws));
  effect.document_variance = std::pow(delta_standard_error(mean), 2);
  effect.seed_variance = seed_variance(by_seed);
  effect.degrees_of_freedom =
      degrees_of_freedom(effect.document_variance, effect.seed_variance, mean.size(), seeds);
  return effect;
}

}  // namespace reprise
