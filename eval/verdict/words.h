// The verdict in words, for people: one paragraph a claim, the primary one first.
#pragma once

#include <string>

#include "eval/verdict/assessment.h"

namespace reprise {

/// "C1 (primary): falsified. ... ." Differences in bits per byte with five digits.
std::string claim_words(const Claim& claim, const VerdictOptions& options);

/// What was found: the difference, its interval, why the word follows.
std::string found_words(const Contrast& contrast);

/// What an interval over too few seeds does not say; empty where there are enough of them.
std::string scope_words(const Effect& effect);

/// Why the word was reached: "the whole interval lies on the other side of zero".
std::string reason_words(const Contrast& contrast);

/// "C1"
std::string claim_name(ClaimId id);

}  // namespace reprise
