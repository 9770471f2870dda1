#include "models/key_store.h"

#include <ATen/ATen.h>

namespace reprise {

void KeyStore::put(const at::Tensor& rows_M, const ops::KeyRows& made) {
  const auto write = [&](at::Tensor& all_NGE, const at::Tensor& made_MGE) {
    if (!all_NGE.defined())
      all_NGE = made_MGE.new_zeros(
          {shape_.sequences * shape_.capacity, made_MGE.size(1), made_MGE.size(2)});
    all_NGE.index_copy_(0, rows_M, made_MGE);
  };
  write(rows_.keys_NGE, made.keys_NGE);
  write(rows_.values_NGE, made.values_NGE);
}

void KeyStore::copy(const at::Tensor& rows_M, const KeyStore& other) {
  put(rows_M, {other.rows_.keys_NGE.index_select(0, rows_M),
               other.rows_.values_NGE.index_select(0, rows_M)});
}

StoredRows rows_behind(const KeyStoreShape& shape, const std::vector<int64_t>& before,
                       const std::vector<int64_t>& counts, const at::Device& device) {
  StoredRows rows;
  std::vector<int64_t> slots, seen;
  for (int64_t b = 0; b < shape.sequences; ++b) {
    const int64_t first = before[static_cast<size_t>(b)], count = counts[static_cast<size_t>(b)];
    rows.sight.queries_B.push_back({std::ssize(slots), count});
    rows.sight.keys_B.push_back({b * shape.capacity, first + count});
    for (int64_t slot = first; slot < first + count; ++slot) {
      slots.push_back(b * shape.capacity + slot);
      seen.push_back(slot + 1);
    }
  }
  rows.slots_M = at::tensor(slots, at::kLong).to(device);
  rows.sight.seen_M = at::tensor(seen, at::kLong).to(device);
  return rows;
}

at::Tensor StoredKeys::attend(size_t layer, const LayerWeights&, const ops::Heads& heads) {
  stores_[layer].put(rows_.slots_M, {heads.keys_MGE, heads.values_MGE});
  return ops::attention(heads.queries_MHE, stores_[layer].rows(), rows_.sight);
}

const ops::KeyRows& StoredRuleReader::fill(size_t layer, const LayerWeights& weights,
                                           const ops::KeyRows& made) {
  KeyStore& own = stores_.own[layer];
  if (halted_)
    own.put(picked_.every_slot, make_keys(weights, halted_->hidden_ND, halted_->rows));
  else
    own.copy(picked_.every_slot, stores_.before[layer]);
  own.put(picked_.among_all.slots_M, made);
  return own.rows();
}

at::Tensor StoredRuleReader::attend(size_t layer, const LayerWeights& weights,
                                    const ops::Heads& heads) {
  const at::Tensor& queries_MHE = heads.queries_MHE;
  const ops::KeyRows& base = stores_.base[layer].rows();
  const ops::Sight &onto_all = picked_.among_all.sight, &onto_refined = picked_.among_refined.sight;
  if (rule_ == KeyRule::kCoarse) return ops::attention(queries_MHE, base, onto_all);
  const ops::KeyRows made{heads.keys_MGE, heads.values_MGE};
  KeyStore& own = stores_.own[layer];
  switch (rule_) {
    case KeyRule::kSameDepth:
      own.put(picked_.among_refined.slots_M, made);
      return ops::attention(queries_MHE, own.rows(), onto_refined);
    case KeyRule::kDuo:
      own.put(picked_.among_refined.slots_M, made);
      return ops::join(ops::attend(queries_MHE, base, onto_all),
                       ops::attend(queries_MHE, own.rows(), onto_refined));
    default:
      break;
  }
  const at::Tensor mixed_MC = ops::attention(queries_MHE, fill(layer, weights, made), onto_all);
  if (stores_.write_back) (*stores_.write_back)[layer].put(picked_.among_all.slots_M, made);
  return mixed_MC;
}

}  // namespace reprise
