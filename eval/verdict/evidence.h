// What a verdict needs of one trace: sums per document, for every way of scoring it and every
// slice, and what the second pass did to single predictions. A trace is read, condensed into this,
// and let go.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/options.h"
#include "eval/stats/score.h"
#include "eval/trace/attributes.h"

namespace reprise {

/// Which positions take the second pass, so which likelihood column is scored.
enum class Policy {
  kNone,    ///< base passes only
  kGated,   ///< a second pass where the gate says
  kRandom,  ///< at as many positions of every document, drawn at random
  kAll,     ///< everywhere
};
template <>
struct EnumNames<Policy> {
  static constexpr std::array names{
      std::pair{Policy::kNone, "none"}, std::pair{Policy::kGated, "gated"},
      std::pair{Policy::kRandom, "random"}, std::pair{Policy::kAll, "all"}};
};

template <>
struct EnumNames<Slice> {
  static constexpr std::array names{std::pair{Slice::kEarly, "early"},
                                    std::pair{Slice::kRare, "rare"}};
};

/// What the second pass did where a gate applied it, counted in tokens by whether the most likely
/// token was the target.
struct Corrections {
  int64_t tokens = 0;             ///< refined
  int64_t fixed = 0, broken = 0;  ///< wrong → right, right → wrong
  int64_t still_right = 0, still_wrong = 0;
  Nats saved,
      lost;  ///< summed over tokens that became likelier, and over those that became less likely

  Corrections& operator+=(const Corrections& other);
};

struct Evidence {
  std::string path;
  TraceAttributes attributes;
  bool refined = false;                ///< evaluated with a second pass
  std::vector<std::string> documents;  ///< SHA-256 of their texts, in hex
  int64_t tokens = 0;
  std::array<Corrections, 4> corrections;  ///< by Policy; that of kNone is empty

  /// Per document. With a slice, over the document's tokens in it: many have none, and then 0
  /// bytes.
  const DocumentScores& scores(Policy policy, std::optional<Slice> slice = {}) const;

  /// Whole text, then each slice in the order of EnumNames<Slice>; by Policy. Empty without a
  /// second pass but for kNone.
  std::array<std::array<DocumentScores, 4>, 1 + EnumNames<Slice>::names.size()> sums;
};

/// Reads and validates a trace. Throws kBadInput (no trace) or kInvalidTrace (it contradicts
/// itself, a check that applies to it was not run or did not pass, its text is what the model was
/// trained or its gate set on, or its second pass was made under a rule whose corrections cannot be
/// read from its columns).
Evidence load_evidence(const std::filesystem::path& path);

}  // namespace reprise
