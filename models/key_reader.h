// Where the queries of a pass over some layers look. One is made for a pass over a range of layers
// and asked layer by layer, in order.
#pragma once

#include <vector>

#include "models/block.h"
#include "models/key_rule.h"
#include "models/layer_weights.h"

namespace reprise {

class KeyReader {
 public:
  virtual ~KeyReader() = default;
  /// Whether rows make keys and values, or queries alone.
  virtual bool makes_keys() const = 0;
  /// What the heads of the range's layer `layer` attend to: [M, H E].
  virtual at::Tensor attend(size_t layer, const LayerWeights& weights, const ops::Heads& heads) = 0;
};

/// Every row reads the keys that the pass itself makes: base passes.
class OwnKeys final : public KeyReader {
 public:
  /// Fills `kept`, one entry per layer, unless it is null.
  OwnKeys(ops::Sight sight, std::vector<ops::KeyRows>* kept)
      : sight_(std::move(sight)), kept_(kept) {}
  bool makes_keys() const override { return true; }
  at::Tensor attend(size_t layer, const LayerWeights& weights, const ops::Heads& heads) override;

 private:
  ops::Sight sight_;
  std::vector<ops::KeyRows>* kept_;
};

/// Picked rows of a batch, b * T + t ascending, and what they see of it.
struct RowSelection {
  at::Tensor rows_M;
  ops::Sight onto_all;     ///< every position's keys
  ops::Sight onto_picked;  ///< those of one another
  bool all = false;        ///< they are every row
};
RowSelection pick(const at::Tensor& rows_M, int64_t sequences, int64_t length);

/// The positions' states as they enter the core, of which rule copy-state makes keys.
struct HaltedStates {
  at::Tensor hidden_ND;
  RowSet rows;  ///< all of the batch
};

/// Picked rows under a rule. `kept`, `picked` and `halted` outlive this; `halted` may be null:
/// what kCopyState then reads of positions that are not picked is what was kept, as behind the
/// core.
class RuleReader final : public KeyReader {
 public:
  RuleReader(KeyRule rule, const std::vector<ops::KeyRows>& kept, const RowSelection& picked,
             const HaltedStates* halted)
      : rule_(rule), kept_(kept), picked_(picked), halted_(halted) {}
  bool makes_keys() const override { return rule_ != KeyRule::kCoarse; }
  at::Tensor attend(size_t layer, const LayerWeights& weights, const ops::Heads& heads) override;
  /// What the rows made, one entry per layer; empty under kCoarse.
  std::vector<ops::KeyRows> take_made() { return std::move(made_); }

 private:
  /// `made` where a row is picked, else `others`.
  ops::KeyRows merge(const ops::KeyRows& others, const ops::KeyRows& made) const;

  KeyRule rule_;
  const std::vector<ops::KeyRows>& kept_;
  const RowSelection& picked_;
  const HaltedStates* halted_;
  std::vector<ops::KeyRows> made_;
};

/// Keys of all rows, those of the picked ones replaced.
ops::KeyRows replace_rows(const ops::KeyRows& all, const at::Tensor& rows_M,
                          const ops::KeyRows& made);

}  // namespace reprise
