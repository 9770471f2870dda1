// The four words a claim can end with, and what it would take where the data do not decide.
//
// Effects are differences in bits per byte, the claimed arm minus its rival: less is better.
// docs/verdict.md has the rules with their sources and a picture of the regions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "eval/stats/distribution.h"

namespace reprise {

enum class Verdict { kSupported, kFalsified, kEquivalent, kInconclusive };

std::string_view verdict_word(Verdict verdict);  ///< "supported", ...

enum class ClaimKind {
  kImprovement,   ///< the claimed arm is better by more than the margin
  kNoDifference,  ///< the two are as good as one another: what a control asserts
};

struct DecisionRule {
  ClaimKind kind = ClaimKind::kImprovement;
  double margin_bpb = 0;  ///< the smallest difference that matters; > 0
  double confidence =
      0.95;  ///< of the interval; the two one-sided tests run at 1 − confidence each
};

/// What the data say, by the rule.
struct Decision {
  Verdict verdict = Verdict::kInconclusive;
  Interval interval;    ///< at the rule's confidence
  double p_beyond = 1;  ///< one-sided, of "the claimed arm is not better by more than the margin"
  double p_tost =
      1;  ///< the larger of the two one-sided tests of "the difference reaches the margin"
};

/// kImprovement, the first that holds:
///   supported   the interval lies below −margin
///   falsified   the interval lies above 0, or inside (−margin, margin)
///   equivalent  both one-sided tests reject at 1 − confidence (Schuirmann 1987): the interval of
///   twice the error lies inside inconclusive
/// kNoDifference: equivalent by the same two tests; falsified where the interval lies beyond either
/// margin; inconclusive.
Decision decide(const SamplingDistribution& effect, const DecisionRule& rule);

/// Where the error of an effect comes from.
struct Variance {
  double documents = 0;         ///< of the mean over seeds, at `document_count`
  std::optional<double> seeds;  ///< of the mean over seeds; unknown with one seed
  int64_t document_count = 0, seed_count = 0;
};

/// Sample sizes that would settle a claim, were the effect what it is estimated to be.
struct Needed {
  int64_t documents = 0;
  int64_t seeds = 0;  ///< never below 3, under which no verdict speaks of an architecture
};

/// The least distance d from `estimate` to the edge of the region it would be decided in fixes the
/// standard error needed,
///   d / (z_{(1+confidence)/2} + z_power)
/// (Cohen, "Statistical Power Analysis", 1988, chapter 2; Chow, Shao & Wang 2008, chapter 3, for
/// margins). Seeds are added until they take at most half of that variance, documents fill the
/// rest. Nothing where the estimate lies on an edge, or more than 10^12 documents would be needed.
std::optional<Needed> sample_to_settle(double estimate, const Variance& variance,
                                       const DecisionRule& rule, double power);

}  // namespace reprise
