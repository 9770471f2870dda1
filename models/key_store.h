// Keys and values that grow as a text is read, and the readers that look there. Every sequence has
// room for as many rows as the model's context.
#pragma once

#include "models/key_reader.h"

namespace reprise {

/// Row s of sequence b is row b * capacity + s of a store.
struct KeyStoreShape {
  int64_t sequences = 0, capacity = 0;
};

/// Of one layer.
class KeyStore {
 public:
  explicit KeyStore(KeyStoreShape shape) : shape_(shape) {}

  /// Writes rows; the store takes type, device and widths of what is first put into it.
  void put(const at::Tensor& rows_M, const ops::KeyRows& made);
  /// Writes these rows as `other`, of the same shape, has them.
  void copy(const at::Tensor& rows_M, const KeyStore& other);

  const ops::KeyRows& rows() const { return rows_; }

 private:
  KeyStoreShape shape_;
  ops::KeyRows rows_;
};

/// One for each layer of a range.
using LayerStores = std::vector<KeyStore>;

/// Where queries' own keys go in a store, and what they see of it.
struct StoredRows {
  at::Tensor slots_M;
  ops::Sight sight;
};

/// `counts[b]` rows that lie behind the first `before[b]` of every sequence, each seeing those of
/// its sequence up to itself.
StoredRows rows_behind(const KeyStoreShape& shape, const std::vector<int64_t>& before,
                       const std::vector<int64_t>& counts, const at::Device& device);

/// Every row of a piece of text writes its keys and reads all so far: base passes.
class StoredKeys final : public KeyReader {
 public:
  /// Both outlive this.
  StoredKeys(LayerStores& stores, const StoredRows& rows) : stores_(stores), rows_(rows) {}
  bool makes_keys() const override { return true; }
  at::Tensor attend(size_t layer, const LayerWeights& weights, const ops::Heads& heads) override;

 private:
  LayerStores& stores_;
  const StoredRows& rows_;
};

/// Picked rows of a piece, in the stores of every row and in those of refined rows.
struct StoredSelection {
  StoredRows among_all;      ///< slots of the picked rows, which see every row up to themselves
  StoredRows among_refined;  ///< the same where stores hold refined rows alone
  at::Tensor every_slot;     ///< of the piece, in stores of every row
};

/// RuleReader (key_reader.h) on stores.
class StoredRuleReader final : public KeyReader {
 public:
  /// `base` holds K1 of every row, `before` what an earlier pass left of kLatest (or K1), `own` is
  /// this pass's. `write_back` has what the rows make put into it as well, unless it is null, and
  /// may be `base`. All outlive this; `halted` as in RuleReader.
  struct Stores {
    const LayerStores& base;
    const LayerStores& before;
    LayerStores& own;
    LayerStores* write_back;
  };
  StoredRuleReader(KeyRule rule, Stores stores, const StoredSelection& picked,
                   const HaltedStates* halted)
      : rule_(rule), stores_(stores), picked_(picked), halted_(halted) {}
  bool makes_keys() const override { return rule_ != KeyRule::kCoarse; }
  at::Tensor attend(size_t layer, const LayerWeights& weights, const ops::Heads& heads) override;

 private:
  /// The pass's own store of every row, with what the piece's rows have under the rule.
  const ops::KeyRows& fill(size_t layer, const LayerWeights& weights, const ops::KeyRows& made);

  KeyRule rule_;
  Stores stores_;
  const StoredSelection& picked_;
  const HaltedStates* halted_;
};

}  // namespace reprise
