// The claims, decided: which contrast decides which claim, what is shown beside it, and what every
// arm scores.
//
// docs/verdict.md states the rules. Everything here is a pure function of the traces and the
// options.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "eval/verdict/effect.h"
#include "eval/verdict/evidence.h"
#include "eval/verdict/options.h"

namespace reprise {

/// The traces of a study's arms, one for each training seed; the seeds of both arms in the same
/// order.
struct Arms {
  std::vector<Evidence> recurrent;
  std::vector<Evidence> static_arm;  ///< empty where only C3 is asked
};

/// One difference, claimed arm minus rival, and what it says.
struct Contrast {
  std::string name;  ///< "recurrent, gated − static", or the slice it is restricted to
  DecisionRule rule;
  Effect effect;
  Decision decision;  ///< inconclusive below kFewestDocuments documents, whatever the interval
  std::optional<double> p_holm;  ///< of p_beyond over the declared slices that have text
  std::string untested;  ///< why the two sides could not differ here; then it is inconclusive
  std::optional<Needed>
      needed;  ///< where the decision is inconclusive and some sample would settle it

  /// Whether there was text to measure: false for a slice found in fewer than kMeasurableDocuments
  /// documents, of which `name` and `effect.documents` are all there is to know.
  bool measured() const { return effect.distribution != nullptr; }
};

struct Claim {
  ClaimId id = ClaimId::kC1;
  std::string text;
  Contrast primary;              ///< its verdict is the claim's
  std::vector<Contrast> slices;  ///< the declared ones; those measured are the family
  std::vector<Contrast> beside;  ///< what the reader should see next to it; decides nothing
};

/// Bits per byte of one arm under one policy.
struct ArmScore {
  std::string arm;
  Policy policy = Policy::kNone;
  Effect effect;
  double nats_per_token = 0;  ///< mean over seeds
};

struct Assessment {
  std::vector<Claim> claims;
  std::vector<ArmScore> scores;
  std::vector<std::pair<Policy, Corrections>>
      corrections;  ///< of the recurrent arm, summed over seeds
};

/// Throws kUsage where the options name no margin, an unknown slice, or a primary claim the traces
/// cannot speak to, and kInvalidTrace where they cannot be compared (comparable.h).
Assessment assess(const Arms& arms, const VerdictOptions& options);

}  // namespace reprise
