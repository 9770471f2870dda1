#include "eval/stats/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/parallel.h"
#include "base/random.h"
#include "eval/bits_per_byte.h"

namespace reprise {
namespace {

/// The ratio over a sample of as many documents. One number of the stream picks two of them, each
/// by 32 bits: a document's chance is off by a share of n / 2^32 at most.
double draw_ratio(std::span<const DocumentScore> documents, const RandomStream& stream) {
  const uint64_t n = documents.size();
  DocumentScore sum;
  for (uint64_t i = 0; i < n; i += 2) {
    const uint64_t bits = stream.bits(i / 2);
    const DocumentScore& first = documents[((bits & 0xFFFFFFFF) * n) >> 32];
    sum.nats += first.nats;
    sum.bytes += first.bytes;
    if (i + 1 == n) break;
    const DocumentScore& second = documents[((bits >> 32) * n) >> 32];
    sum.nats += second.nats;
    sum.bytes += second.bytes;
  }
  return bits_per_byte(sum.nats, sum.bytes);
}

RandomStream stream_of(size_t draw, const BootstrapOptions& options) {
  return {options.seed, Purpose::kBootstrap, static_cast<uint32_t>(draw)};
}

/// So that no draw is one of no bytes.
void require_text(std::span<const DocumentScore> documents) {
  require(!documents.empty() &&
              std::ranges::all_of(documents, [](auto& d) { return d.bytes.value > 0; }),
          ExitCode::kInvalidTrace, "the bootstrap was given documents without text");
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
  require_text(documents);
  return parallel_map(static_cast<size_t>(options.draws),
                      [&](size_t draw) { return draw_ratio(documents, stream_of(draw, options)); });
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

  require_text(mean);
  const auto draws = parallel_map(static_cast<size_t>(options.draws), [&](size_t draw) {
    const RandomStream stream = stream_of(draw, options);
    return draw_ratio(weighted(by_seed, draw_seed_weights(seeds, stream, mean.size())), stream);
  });

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
