// The verdict in words, for people: one paragraph a claim, the primary one first.
#pragma once

#include <string>

#include "eval/verdict/assessment.h"

namespace reprise {

/// "C1 (primary): falsified. ... ." Differences in bits per byte with five digits.
std::string claim_words(const Claim& claim, const VerdictOptions& options);

/// Why the word was reached: "the whole interval lies on the other side of zero".
std::string reason_words(const Contrast& contrast);

/// "C1"
std::string claim_name(ClaimId id);

}  // namespace reprise
