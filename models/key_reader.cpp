#include "models/key_reader.h"

#include <ATen/ATen.h>

namespace reprise {

at::Tensor OwnKeys::attend(size_t layer, const LayerWeights&, const ops::Heads& heads) {
  const ops::KeyRows made{heads.keys_MGE, heads.values_MGE};
  if (kept_) {
    kept_->resize(layer + 1);
    kept_->back() = made;
  }
  return ops::attention(heads.queries_MHE, made, sight_);
}

RowSelection pick(const at::Tensor& rows_M, int64_t sequences, int64_t length) {
  return {rows_M, ops::see_every_row(rows_M, sequences, length),
          ops::see_one_another(rows_M, sequences, length), rows_M.size(0) == sequences * length};
}

ops::KeyRows replace_rows(const ops::KeyRows& all, const at::Tensor& rows_M,
                          const ops::KeyRows& made) {
  return {all.keys_NGE.index_copy(0, rows_M, made.keys_NGE),
          all.values_NGE.index_copy(0, rows_M, made.values_NGE)};
}

ops::KeyRows RuleReader::merge(const ops::KeyRows& others, const ops::KeyRows& made) const {
  return picked_.all ? made : replace_rows(others, picked_.rows_M, made);
}

at::Tensor RuleReader::attend(size_t layer, const LayerWeights& weights, const ops::Heads& heads) {
  const at::Tensor& queries_MHE = heads.queries_MHE;
  const ops::KeyRows& kept = kept_[layer];
  if (rule_ == KeyRule::kCoarse) return ops::attention(queries_MHE, kept, picked_.onto_all);
  const ops::KeyRows made{heads.keys_MGE, heads.values_MGE};
  made_.push_back(made);
  switch (rule_) {
    case KeyRule::kSameDepth:
      return ops::attention(queries_MHE, made, picked_.onto_picked);
    case KeyRule::kDuo:
      return ops::join(ops::attend(queries_MHE, kept, picked_.onto_all),
                       ops::attend(queries_MHE, made, picked_.onto_picked));
    case KeyRule::kCopyState:
      if (halted_ && !picked_.all)
        return ops::attention(queries_MHE,
                              merge(make_keys(weights, halted_->hidden_ND, halted_->rows), made),
                              picked_.onto_all);
      [[fallthrough]];
    default:
      return ops::attention(queries_MHE, merge(kept, made), picked_.onto_all);
  }
}

}  // namespace reprise
