// A unit of work from text to columns.
#pragma once

#include "data/corpus.h"
#include "eval/options.h"
#include "eval/scorer.h"
#include "eval/slices.h"
#include "eval/trace/columns.h"

namespace reprise {

struct UnitColumns {
  TokenColumns tokens;
  DocumentColumns documents;
};

/// How a unit's text becomes batches.
struct UnitOptions {
  WindowOptions windows;
  int64_t batch_tokens = 8192;
};

/// Windows as the options ask for, or as the model's context suggests. Throws kUsage where they do
/// not fit the model.
UnitOptions unit_options(const ScoringOptions& options, const ModelOptions& model);

/// All windows of the unit's documents, in order.
std::vector<Window> unit_windows(const UnitText& text, const UnitOptions& options);

std::vector<ScoringBatch> make_batches(const UnitText& text, const UnitOptions& options);

class UnitScorer {
 public:
  /// All but the options must outlive this.
  UnitScorer(const Scorer& scorer, const Tokenizer& tokenizer, const Slicer& slicer,
             UnitOptions options)
      : scorer_(scorer), tokenizer_(tokenizer), slicer_(slicer), options_(options) {}

  /// Rows count from the unit's first. Throws kInvalidTrace where a document's tokens do not stand
  /// for its bytes, or a token would be scored twice or never.
  UnitColumns score(const UnitText& text, Accounting& spent) const;

 private:
  const Scorer& scorer_;
  const Tokenizer& tokenizer_;
  const Slicer& slicer_;
  UnitOptions options_;
};

}  // namespace reprise
