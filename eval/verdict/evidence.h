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

/// Which likelihood column is scored: the gate and its controls.
enum class Gate {
  kNone,    ///< base passes only
  kGated,   ///< a second pass where the gate says
  kRandom,  ///< at as many positions, drawn at random
  kAll,     ///< everywhere
};
template <>
struct EnumNames<Gate> {
  static constexpr std::array names{
      std::pair{Gate::kNone, "none"}, std::pair{Gate::kGated, "gated"},
      std::pair{Gate::kRandom, "random"}, std::pair{Gate::kAll, "all"}};
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
  std::array<Corrections, 4> corrections;  ///< by Gate; that of kNone is empty

  /// Per document. With a slice, over the document's tokens in it: many have none, and then 0
  /// bytes.
  const DocumentScores& scores(Gate gate, std::optional<Slice> slice = {}) const;

  /// Whole text, then each slice in the order of EnumNames<Slice>; by Gate. Empty without a second
  /// pass but for kNone.
  std::array<std::array<DocumentScores, 4>, 1 + EnumNames<Slice>::names.size()> sums;
};

/// Reads and validates a trace. Throws kBadInput (no trace) or kInvalidTrace (it contradicts
/// itself, or one of the checks that were run with it did not pass).
Evidence load_evidence(const std::filesystem::path& path);

/// Throws kInvalidTrace unless all were taken on the same text: corpus, split, tokenizer, slices,
/// and every document.
void require_same_text(const std::vector<Evidence>& traces);

/// Throws kInvalidTrace where the sizes of the artifacts differ by more than 0.1 % of the largest:
/// the width of the band `reprise pack` fills, within which the comparison is one at equal bytes.
void require_equal_bytes(const std::vector<Evidence>& traces);

}  // namespace reprise
