#include "eval/stats/decision.h"

#include <algorithm>
#include <cmath>

#include "eval/stats/quantiles.h"

namespace reprise {
namespace {

constexpr int64_t kFewestSeeds = 3;
constexpr double kMostDocuments = 1e12;

bool inside(const Interval& interval, double margin) {
  return interval.low > -margin && interval.high < margin;
}

Verdict improvement(const Decision& found, const DecisionRule& rule) {
  if (found.interval.high < -rule.margin_bpb) return Verdict::kSupported;
  if (found.interval.low > 0 || inside(found.interval, rule.margin_bpb)) return Verdict::kFalsified;
  return found.p_tost <= 1 - rule.confidence ? Verdict::kEquivalent : Verdict::kInconclusive;
}

Verdict no_difference(const Decision& found, const DecisionRule& rule) {
  if (found.p_tost <= 1 - rule.confidence) return Verdict::kEquivalent;
  const bool beyond =
      found.interval.high < -rule.margin_bpb || found.interval.low > rule.margin_bpb;
  return beyond ? Verdict::kFalsified : Verdict::kInconclusive;
}

/// How far the estimate is from leaving the region in which it would be decided.
double distance_to_edge(double estimate, const DecisionRule& rule) {
  const double beyond = std::abs(estimate) - rule.margin_bpb;
  if (rule.kind == ClaimKind::kNoDifference) return std::abs(beyond);
  if (estimate < 0) return std::abs(beyond);
  return std::max(estimate, -beyond);  // above zero, or inside the margin: whichever is easier
}

}  // namespace

std::string_view verdict_word(Verdict verdict) {
  switch (verdict) {
    case Verdict::kSupported:
      return "supported";
    case Verdict::kFalsified:
      return "falsified";
    case Verdict::kEquivalent:
      return "equivalent";
    case Verdict::kInconclusive:
      return "inconclusive";
  }
  return "?";
}

Decision decide(const SamplingDistribution& effect, const DecisionRule& rule) {
  Decision found;
  found.interval = effect.interval(rule.confidence);
  found.p_beyond = 1 - effect.confidence_below(-rule.margin_bpb);
  found.p_tost = std::max(effect.confidence_below(-rule.margin_bpb),
                          1 - effect.confidence_below(rule.margin_bpb));
  found.verdict =
      rule.kind == ClaimKind::kImprovement ? improvement(found, rule) : no_difference(found, rule);
  return found;
}

std::optional<Needed> sample_to_settle(double estimate, const Variance& variance,
                                       const DecisionRule& rule, double power) {
  const double z = normal_quantile((1 + rule.confidence) / 2) + normal_quantile(power);
  const double allowed = std::pow(distance_to_edge(estimate, rule) / z, 2);
  const double one_seed = variance.seeds.value_or(0) * static_cast<double>(variance.seed_count);
  const double seeds =
      std::max<double>(kFewestSeeds, allowed > 0 ? std::ceil(2 * one_seed / allowed) : 0);
  const double left = allowed - one_seed / seeds;
  const double documents =
      std::ceil(variance.documents * static_cast<double>(variance.document_count) / left);
  if (!(left > 0) || documents > kMostDocuments || seeds > kMostDocuments) return std::nullopt;
  return Needed{std::max<int64_t>(2, static_cast<int64_t>(documents)), static_cast<int64_t>(seeds)};
}

}  // namespace reprise
