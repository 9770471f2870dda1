// The columns of schema.h one by one, with their names, units and meanings in the file. Whatever
// handles "every column" (writing, reading, checking) goes through these two visitors, so that a
// column is added in one place.
#pragma once

#include <type_traits>

#include "eval/trace/schema.h"

namespace reprise {

/// What an evaluation did: without a second pass the columns that speak of one are absent from the
/// file.
enum class Passes { kBaseOnly, kRefined };

/// What it takes for a column to be there.
enum class ColumnGroup {
  kBase,     ///< nothing
  kRefined,  ///< a second pass
  kStates,   ///< and that signals of states were recorded
  kEarlier,  ///< and that those which compare with earlier predictions were
  kHead,     ///< and that the artifact stores a gate's head
};

/// What an evaluation recorded.
struct Recorded {
  /// Of every signal but a head's.
  Recorded(Passes made = Passes::kBaseOnly) : passes(made), states(refined()), earlier(refined()) {}

  Passes passes;
  bool states, earlier, head = false;

  bool refined() const { return passes == Passes::kRefined; }
  bool holds(ColumnGroup group) const {
    switch (group) {
      case ColumnGroup::kBase:
        return true;
      case ColumnGroup::kRefined:
        return refined();
      case ColumnGroup::kStates:
        return states;
      case ColumnGroup::kEarlier:
        return earlier;
      case ColumnGroup::kHead:
        return head;
    }
    return false;
  }
};

/// Calls column(name, member, units, long_name, group) for every column.
template <class Visitor>
void visit_token_columns(Visitor&& column) {
  using T = TokenColumns;
  constexpr ColumnGroup kBase = ColumnGroup::kBase, kRefined = ColumnGroup::kRefined,
                        kStates = ColumnGroup::kStates, kEarlier = ColumnGroup::kEarlier;
  column("token", &T::token, "1", "vocabulary id", kBase);
  column("bytes", &T::bytes, "bytes", "bytes of source text", kBase);
  column("document", &T::document, "1", "row of /documents", kBase);
  column("position", &T::position, "tokens", "position in the document, begin-of-document is 0",
         kBase);
  column("nll_base", &T::nll_base, "nats", "negative log-likelihood after the base passes", kBase);
  column("nll_gated", &T::nll_gated, "nats", "negative log-likelihood scored with the gate",
         kRefined);
  column("nll_all", &T::nll_all, "nats", "negative log-likelihood with every position refined",
         kRefined);
  column("nll_random", &T::nll_random, "nats", "negative log-likelihood under the random control",
         kRefined);
  column("entropy_base", &T::entropy_base, "nats",
         "entropy of the prediction after the base passes", kBase);
  column("entropy_all", &T::entropy_all, "nats", "entropy of the refined prediction", kRefined);
  column("margin_base", &T::margin_base, "1",
         "first minus second probability after the base passes", kBase);
  column("margin_all", &T::margin_all, "1", "first minus second probability when refined",
         kRefined);
  column("top1_base", &T::top1_base, "1", "1 where the most likely token is the target", kBase);
  column("top1_all", &T::top1_all, "1", "1 where the most likely token is the target when refined",
         kRefined);
  column("max_probability", &T::max_probability, "1", "largest probability after the base passes",
         kRefined);
  column("residual", &T::residual, "1",
         "size of the last step of the state, over that of the state", kStates);
  column("cosine", &T::cosine, "1", "cosine between the last two states", kStates);
  column("divergence", &T::divergence, "nats",
         "divergence of the prediction from that of the state before", kEarlier);
  column("entropy_change", &T::entropy_change, "nats",
         "entropy of the prediction minus that of the state before", kEarlier);
  column("flip", &T::flip, "1", "1 where the state before had another most likely token", kEarlier);
  column("second_order", &T::second_order, "1",
         "size of the change between the last two steps of the state, over that of the state",
         kStates);
  column("early_disagreement", &T::early_disagreement, "1",
         "total variation between the prediction and that of the state before without the coda",
         kEarlier);
  column("head_score", &T::head_score, "1", "score of the gate's head that the artifact stores",
         ColumnGroup::kHead);
  column("refined", &T::refined, "1", "refinement passes that the gate gave the prediction",
         kRefined);
  column("random", &T::random, "1", "refinement passes that the random control gave it", kRefined);
  column("passes", &T::passes, "passes", "applications of the core behind the scored prediction",
         kBase);
  column("slices", &T::slices, "1", "bit flags: 1 early in the document, 2 rare in the train split",
         kBase);
}

template <class Visitor>
void visit_document_columns(Visitor&& column) {
  using D = DocumentColumns;
  constexpr ColumnGroup kBase = ColumnGroup::kBase, kRefined = ColumnGroup::kRefined;
  column("first_token", &D::first_token, "1", "first row of /tokens", kBase);
  column("tokens", &D::tokens, "tokens", "tokens scored", kBase);
  column("bytes", &D::bytes, "bytes", "bytes of source text", kBase);
  column("hash", &D::hash, "1", "SHA-256 of the text", kBase);
  column("domain", &D::domain, "1", "index into the root attribute domains", kBase);
  column("nats_base", &D::nats_base, "nats", "sum of nll_base", kBase);
  column("nats_gated", &D::nats_gated, "nats", "sum of nll_gated", kRefined);
  column("nats_all", &D::nats_all, "nats", "sum of nll_all", kRefined);
  column("nats_random", &D::nats_random, "nats", "sum of nll_random", kRefined);
  column("refined", &D::refined, "tokens", "sum of refined", kRefined);
  column("random", &D::random, "tokens", "sum of random: equal", kRefined);
}

/// Makes rows count from others': a block whose first token and document stand behind so many
/// others.
inline void shift_rows(TokenColumns& tokens, DocumentColumns& documents, size_t tokens_before,
                       size_t documents_before) {
  for (auto& document : tokens.document) document += static_cast<uint32_t>(documents_before);
  for (auto& first : documents.first_token) first += tokens_before;
}

/// Appends every column of `more` to that of `columns`. Rows of /documents and of /tokens stay as
/// they are in `more`.
template <class Columns>
void append_columns(Columns& columns, const Columns& more) {
  const auto append = [&](auto, auto member, auto, auto, auto) {
    (columns.*member).insert((columns.*member).end(), (more.*member).begin(), (more.*member).end());
  };
  if constexpr (std::is_same_v<Columns, TokenColumns>)
    visit_token_columns(append);
  else
    visit_document_columns(append);
}

}  // namespace reprise
