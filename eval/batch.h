// Windows of a unit as tensors, and which of their predictions are scored.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "eval/gate.h"
#include "eval/work.h"
#include "models/cost/flops.h"

namespace reprise {

/// The documents of a unit with their tokens. `documents` is part of the corpus' list and must
/// outlive this.
struct UnitText {
  std::span<const Document> documents;
  std::vector<Token> tokens;  ///< of the documents, end to end
  Token token(int64_t document, int64_t position) const;
};

UnitText read_unit(const Corpus& corpus, Split split, WorkUnit unit);

/// The positions of windows that only lead up to what is scored there. Where scored positions see
/// refined ones, these are refined again as they were where they were scored (depths.h).
struct ContextRows {
  at::Tensor rows_K;               ///< b * T + t, ascending
  std::vector<TokenPlace> places;  ///< of the tokens behind them
  std::vector<int64_t> documents;  ///< of those, in the unit
};

struct ScoringBatch {
  at::Tensor
      tokens_BT;      ///< padded at the end, where causal attention keeps it from any real position
  at::Tensor rows_N;  ///< b * T + t of the predictions that are scored, ascending
  at::Tensor targets_N;            ///< the token each of them is for
  std::vector<TokenPlace> places;  ///< of the targets
  std::vector<int64_t> documents;  ///< of the targets, in the unit
  std::vector<int64_t> windows;    ///< of the batch, which each target is scored in: its row b
  std::vector<double> keys;        ///< positions each of them attends to
  ContextRows context;
};

ScoringBatch make_batch(const UnitText& text, const std::vector<Window>& windows);

/// The executed work of passing a whole batch through the layers and reading out its scored rows.
PassWork dense_work(const ScoringBatch& batch);

}  // namespace reprise
