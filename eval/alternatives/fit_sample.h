// Readouts of the valid split, kept so that what is fitted to them can pass over them again: of
// each prediction of an even sample, its features in every state of the model.
//
// The split is cut into shares of consecutive units, which do not depend on the number of ranks; a
// rank holds every size-th. Sums are taken within a share, and then over shares in their order, in
// fp64: they have the same bits on any number of ranks.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <span>
#include <vector>

#include "base/comm/communicator.h"
#include "eval/batch.h"
#include "eval/depths.h"
#include "eval/unit.h"

namespace reprise {

/// Which of a split's predictions are kept: `kept` of `all`, as evenly as whole numbers can be.
struct EvenSample {
  int64_t kept = 0, all = 0;
  bool has(int64_t index) const { return (index + 1) * kept / all > index * kept / all; }
};

/// The scored rows of a batch, or those of one share.
struct StoredRows {
  std::vector<at::Tensor> features_ND;  ///< by state
  at::Tensor targets_N;                 ///< int64, on the host
  std::vector<uint8_t> picked;          ///< by the gate; all 0 without one
};

/// Some rows with their logits in one state.
struct FitBlock {
  at::Tensor logits_NV;  ///< fp64
  at::Tensor targets_N;
  std::span<const uint8_t> picked;
};

using LogitsOf = std::function<at::Tensor(const at::Tensor& features_ND)>;  ///< fp32 or fp64

class FitSample {
 public:
  /// `own[k]` is share k · size + rank of `shares`. `comm` outlives this.
  FitSample(std::vector<StoredRows> own, int64_t shares, int64_t vocab, LogitsOf logits,
            Communicator& comm);

  int64_t tokens() const { return tokens_; }  ///< of all ranks
  int64_t vocab() const { return vocab_; }

  /// What `add` puts together over all rows: it adds to `width` numbers. Collective.
  using Add = std::function<void(const FitBlock& block, std::span<double> sums)>;
  std::vector<double> sum(size_t state, size_t width, const Add& add) const;

 private:
  void add_share(const StoredRows& rows, size_t state, const Add& add,
                 std::span<double> sums) const;

  std::vector<StoredRows> own_;
  int64_t shares_, vocab_;
  LogitsOf logits_;
  Communicator& comm_;
  int64_t tokens_;
};

/// Rows of a block of logits, so that a few of them stay in a cache.
int64_t rows_at_once(int64_t vocab);

/// What a network makes of a batch's scored rows.
/// `depths` is that of the batch's unit.
using ReadRows = std::function<StoredRows(const ScoringBatch& batch, Depths& depths)>;

/// The even sample of at most `most` predictions (0: all) of the valid split. `network`, whose
/// logits they are, outlives it. Collective.
FitSample collect_fit_sample(const Corpus& corpus, const ScoringOptions& scoring,
                             const UnitOptions& windows, int64_t most, const ReadRows& read,
                             const Network& network, Communicator& comm);

}  // namespace reprise
