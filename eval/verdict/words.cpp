#include "eval/verdict/words.h"

#include <algorithm>
#include <cmath>

namespace reprise {
namespace {

constexpr int kDigits = 5;

std::string counted(int64_t count, std::string_view one, std::string_view several) {
  return concat(count, " ", count == 1 ? one : several);
}

std::string direction(double estimate) {
  if (estimate == 0) return "no different";
  return concat(fixed(std::abs(estimate), kDigits), estimate < 0 ? " BPB better" : " BPB worse");
}

/// With a minus sign a reader can tell from a hyphen.
std::string signed_number(double value) {
  return concat(value < 0   ? "−"
                : value > 0 ? "+"
                            : "",
                std::isinf(value) ? "∞" : fixed(std::abs(value), kDigits));
}

/// In per cent, with the digits it takes to tell it from 100: two of the error that is left.
std::string confidence_words(double confidence) {
  const double error = 100 * (1 - confidence);
  std::string text =
      fixed(100 * confidence, 1 + std::max(0, static_cast<int>(std::ceil(-std::log10(error)))));
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text + " %";
}

std::string interval_words(const Contrast& contrast) {
  return concat(confidence_words(contrast.rule.confidence), " interval ",
                signed_number(contrast.decision.interval.low), " to ",
                signed_number(contrast.decision.interval.high));
}

std::string needed_words(const Contrast& contrast) {
  if (!contrast.needed)
    return "no number of documents would settle it as it lies: the estimate is on the edge of the "
           "margin";
  const std::string seeds = contrast.effect.seed_variance
                                ? concat(contrast.needed->seeds, " seeds")
                                : concat("at least ", contrast.needed->seeds,
                                         " seeds, whose variance one pair cannot show,");
  return concat("about ", contrast.needed->documents, " documents and ", seeds, " would settle it");
}

std::string few_words(const Effect& effect) {
  return concat("too few documents to trust an interval: ", effect.documents, " where at least ",
                kFewestDocuments, " are needed for any other word");
}

/// Why the data leave it open.
std::string open_words(const Contrast& contrast) {
  if (contrast.effect.documents < kFewestDocuments) return few_words(contrast.effect);
  if (std::isinf(contrast.decision.interval.low) || std::isinf(contrast.decision.interval.high))
    return "the bootstrap's draws do not reach a limit of the interval, more of them would";
  return "the data do not decide";
}

std::string slice_words(const Contrast& slice) {
  if (!slice.measured()) return reason_words(slice);
  return concat(
      verdict_word(slice.decision.verdict), ", ", direction(slice.effect.estimate), " (",
      interval_words(slice), "; Holm-corrected p ", fixed(*slice.p_holm, 4),
      slice.effect.documents < kFewestDocuments ? concat("; ", few_words(slice.effect)) : "",
      slice.untested.empty() ? "" : concat("; ", slice.untested), ")");
}

/// Which slices the correction counted, where it is not all that were declared.
std::string family_words(const std::vector<Contrast>& slices) {
  const auto members = std::ranges::count_if(slices, &Contrast::measured);
  if (members == std::ssize(slices)) return "";
  return concat("\n  The correction counts the ", members, " of ", slices.size(),
                " declared slices that have text.");
}

}  // namespace

std::string claim_name(ClaimId id) { return id == ClaimId::kC1 ? "C1" : "C3"; }

std::string reason_words(const Contrast& contrast) {
  if (!contrast.measured())
    return concat("no text here: the slice has tokens in ",
                  counted(contrast.effect.documents, "document", "documents"), " where at least ",
                  kMeasurableDocuments, " are needed");
  if (!contrast.untested.empty()) return contrast.untested;
  const auto& [verdict, interval, p_beyond, p_tost] = contrast.decision;
  const bool inside =
      interval.low > -contrast.rule.margin_bpb && interval.high < contrast.rule.margin_bpb;
  switch (verdict) {
    case Verdict::kSupported:
      if (interval.high >= -contrast.rule.margin_bpb)
        return "the corrected test puts it beyond the margin on the claimed side; the interval, "
               "which holds for all slices at once, does not";
      return "the whole interval lies beyond the margin on the claimed side";
    case Verdict::kFalsified:
      if (contrast.rule.kind == ClaimKind::kNoDifference)
        return "the whole interval lies beyond the margin";
      return inside ? "the whole interval lies inside the margin: no improvement worth it"
                    : "the whole interval lies on the other side of zero";
    case Verdict::kEquivalent:
      return concat(
          "two one-sided tests put the difference inside the margin (p = ", fixed(p_tost, 4), ")");
    case Verdict::kInconclusive:
      return concat(open_words(contrast), "; ", needed_words(contrast));
  }
  return "";
}

std::string found_words(const Contrast& contrast) {
  return concat(contrast.name, " is ", direction(contrast.effect.estimate), " (",
                interval_words(contrast), "; margin ", fixed(contrast.rule.margin_bpb, kDigits),
                "; ", counted(contrast.effect.documents, "document", "documents"), ", ",
                counted(contrast.effect.seeds, "seed", "seeds"), "): ", reason_words(contrast));
}

std::string scope_words(const Effect& effect) {
  if (effect.over_seeds) return "";
  return concat("The interval counts documents and not training seeds: with ",
                counted(effect.seeds, "pair", "pairs"),
                " of checkpoints it speaks of these artifacts and decides nothing about an "
                "architecture (",
                kSeedsForArchitecture, " seeds would).");
}

std::string claim_words(const Claim& claim, const VerdictOptions& options) {
  const Contrast& primary = claim.primary;
  const std::string scope = scope_words(primary.effect);
  std::string words =
      concat(claim_name(claim.id), claim.id == options.primary ? " (primary): " : ": ",
             verdict_word(primary.decision.verdict), ". Claim: ", claim.text,
             ". Found: ", found_words(primary), ".", scope.empty() ? "" : " ", scope);
  for (const auto& slice : claim.slices)
    words += concat("\n  slice ", slice.name, ": ", slice_words(slice));
  words += family_words(claim.slices);
  for (const auto& beside : claim.beside)
    words += concat("\n  beside: ", beside.name, ", ", direction(beside.effect.estimate), " (",
                    interval_words(beside), ")");
  return words + "\n";
}

}  // namespace reprise
