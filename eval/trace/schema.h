// The columns of a trace: what evaluation writes and what verdicts read. docs/trace.md is this file
// in prose.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace reprise {

inline constexpr int64_t kTraceSchema = 4;

/// What a refined position sees (docs/refinement.md); the attribute `refinement_rule`.
inline constexpr const char* kCoarseRule = "coarse";

/// Bits of the column `slices`. Append, never renumber.
enum class Slice : uint32_t {
  kEarly = 1u << 0,  ///< among the first tokens of its document (attribute early_tokens)
  kRare =
      1u << 1,  ///< among the rarest tokens of the train split (attribute rare_share of its mass)
};

/// Per token, in corpus order: every token of the split except begin-of-document, each exactly
/// once. Columns of the second pass are empty where the artifact was evaluated without one.
struct TokenColumns {
  std::vector<uint16_t> token;
  std::vector<uint8_t> bytes;      ///< of source text
  std::vector<uint32_t> document;  ///< row of /documents
  std::vector<uint32_t> position;  ///< of the token in its document; begin-of-document is 0
  std::vector<float> nll_base;     ///< nats after the base passes
  std::vector<float> nll_gated;  ///< nats scored: from the sparse pass where refined, else nll_base
  std::vector<float> nll_all;    ///< nats where every position is refined
  std::vector<float> nll_random;  ///< nats under the control: from its own sparse pass where
                                  ///< it drew, else nll_base
  std::vector<float> entropy_base, entropy_all;  ///< nats
  std::vector<float> margin_base, margin_all;  ///< probability of the first minus the second token
  std::vector<uint8_t> top1_base, top1_all;    ///< 1 where the most likely token is the target
  /// What a gate may look at (eval/gates/signal.h), beside entropy and margin.
  std::vector<float> max_probability, residual, cosine, divergence, entropy_change, second_order,
      early_disagreement, head_score;
  std::vector<uint8_t> flip;
  std::vector<uint8_t> refined;  ///< refinement passes of the position that predicts this token, by
                                 ///< the gate
  std::vector<uint8_t> random;   ///< by the control: as many in every document
  std::vector<uint8_t> passes;   ///< applications of the core behind the scored prediction
  std::vector<uint32_t> slices;  ///< bits of Slice
};

/// Per document, in corpus order. Sums in double precision, so that no verdict rests on a rounded
/// column.
struct DocumentColumns {
  std::vector<uint64_t> first_token;  ///< row of /tokens
  std::vector<uint32_t> tokens;       ///< scored
  std::vector<uint64_t> bytes;
  std::vector<std::string> hash;  ///< SHA-256 of the text, 64 hex characters
  std::vector<uint16_t> domain;   ///< index into the attribute `domains`
  std::vector<double> nats_base, nats_gated, nats_all, nats_random;
  std::vector<uint32_t> refined, random;  ///< refinement passes: equal
};

}  // namespace reprise
