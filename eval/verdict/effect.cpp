#include "eval/verdict/effect.h"

#include <cmath>

namespace reprise {
namespace {

DocumentScores with_text(const DocumentScores& documents) {
  DocumentScores kept;
  for (const auto& document : documents)
    if (document.bytes.value > 0) kept.push_back(document);
  return kept;
}

}  // namespace

int64_t count_with_text(const DocumentScores& documents) {
  return std::ssize(with_text(documents));
}

Variance Effect::variance() const {
  return {std::pow(delta_standard_error, 2), seed_variance, documents, seeds};
}

Effect measure(std::span<const DocumentScores> by_seed, const BootstrapOptions& options) {
  std::vector<DocumentScores> kept;
  for (const auto& documents : by_seed) kept.push_back(with_text(documents));
  const DocumentScores mean = average(kept);

  Effect effect;
  effect.estimate = bits_per_byte(mean);
  effect.delta_standard_error = delta_standard_error(mean);
  effect.documents = static_cast<int64_t>(mean.size());
  effect.seeds = static_cast<int64_t>(kept.size());
  effect.over_seeds = kept.size() >= kSeedsForArchitecture;
  if (kept.size() >= 2) effect.seed_variance = seed_variance(kept);
  if (effect.over_seeds) {
    const SeedEffect over = bootstrap_seeds(kept, options);
    effect.distribution = std::make_shared<StudentDistribution>(over.estimate, over.standard_error,
                                                                over.degrees_of_freedom);
  } else {
    effect.distribution = std::make_shared<BcaDistribution>(bootstrap_documents(mean, options),
                                                            effect.estimate, leave_one_out(mean));
  }
  return effect;
}

}  // namespace reprise
