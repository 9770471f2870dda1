#include "eval/alternatives/second_look.h"

#include <ATen/ATen.h>

#include "eval/predictions.h"
#include "eval/signals.h"
#include "models/device.h"
#include "models/ops/sight.h"

namespace reprise {
namespace {

at::Tensor rows_of(const at::Tensor& features, const at::Tensor& rows) {
  const at::Tensor flat = features.dim() == 3 ? features.flatten(0, 1) : features;
  return flat.index_select(0, moved_to(flat.device(), rows));
}

/// Those of `rows` that are picked.
at::Tensor where_picked(const at::Tensor& rows, const std::vector<uint8_t>& picked) {
  std::vector<int64_t> some;
  for (size_t n = 0; n < picked.size(); ++n)
    if (picked[n]) some.push_back(rows.const_data_ptr<int64_t>()[n]);
  return at::tensor(some, at::kLong);
}

at::Tensor indices_of(const std::vector<uint8_t>& picked) {
  return where_picked(at::arange(std::ssize(picked), at::kLong), picked);
}

}  // namespace

at::Tensor scored_features(const at::Tensor& features, const ScoringBatch& batch) {
  return rows_of(features, batch.rows_N);
}

SecondLook::SecondLook(const Network& network, std::shared_ptr<const Gate> gate, KeyRule rule,
                       std::shared_ptr<const StoredHead> head)
    : network_(network), gate_(std::move(gate)), rule_(rule) {
  if (gate_) signals_.emplace(network, std::move(head), gate_->terms(), /*every_signal=*/false);
}

LookedAt SecondLook::look(const ScoringBatch& batch, Depths& depths) const {
  const at::NoGradGuard no_grad;
  LookedAt seen;
  const bool trail = gate_ && signals_->reads_trail();
  seen.base =
      network_.base_passes(batch.tokens_BT, {.keys = true, .all_passes = true, .trail = trail});
  seen.all =
      network_.refine(seen.base, at::arange(batch.tokens_BT.numel(), at::kLong), {.rule = rule_});
  seen.rows.features_ND = {scored_features(seen.base.features_BTD, batch),
                           scored_features(seen.all.features_MD, batch)};
  seen.rows.targets_N = batch.targets_N;
  seen.rows.picked.resize(batch.places.size());
  if (gate_) refine_picked(batch, depths, seen);
  return seen;
}

/// As `reprise eval` does: what is decided holds where a position is context, too.
std::vector<uint8_t> SecondLook::decide(const BasePasses& base, const ScoringBatch& batch,
                                        Depths& depths) const {
  const auto [coarse, others, _] =
      signals_->of_base(base, batch.rows_N, at::zeros_like(batch.rows_N));
  std::vector<uint8_t> picked;
  for (const float margin :
       gate_->score({coarse.entropy, coarse.margin, batch.places, others}).margins)
    picked.push_back(margin > 0);
  for (size_t n = 0; n < picked.size(); ++n)
    depths.set(batch.documents[n], batch.places[n].position, picked[n]);
  return picked;
}

void SecondLook::refine_picked(const ScoringBatch& batch, Depths& depths, LookedAt& seen) const {
  std::vector<uint8_t>& picked = seen.rows.picked;
  picked = decide(seen.base, batch, depths);
  const at::Tensor scored_P = where_picked(batch.rows_N, picked);
  at::Tensor rows_M = scored_P;
  if (sees_refined(rule_) && !batch.context.places.empty()) {
    std::vector<uint8_t> before;
    for (size_t k = 0; k < batch.context.places.size(); ++k)
      before.push_back(depths.at(batch.context.documents[k], batch.context.places[k].position));
    rows_M = std::get<0>(at::cat({scored_P, where_picked(batch.context.rows_K, before)}).sort());
  }
  at::Tensor gated_ND = seen.rows.features_ND[kNoneState];
  if (scored_P.numel() > 0) {
    const at::Tensor features_MD = network_.refine_rows(seen.base, rows_M, rule_);
    const at::Tensor places_P = at::searchsorted(rows_M, scored_P), own_P = indices_of(picked);
    gated_ND =
        gated_ND.index_copy(0, moved_to(gated_ND.device(), own_P), rows_of(features_MD, places_P));
    const at::Tensor refined_M =
        ops::see_one_another(rows_M, batch.tokens_BT.size(0), batch.tokens_BT.size(1)).seen_M;
    for (int64_t p = 0; p < own_P.numel(); ++p) {
      const auto n = static_cast<size_t>(own_P.const_data_ptr<int64_t>()[p]);
      const int64_t place = places_P.const_data_ptr<int64_t>()[p];
      const auto refined = static_cast<double>(refined_M.const_data_ptr<int64_t>()[place]);
      seen.refined_by_gate += {1, seen_keys(rule_, batch.keys[n], refined), 1};
    }
  }
  seen.rows.features_ND.push_back(gated_ND);
}

}  // namespace reprise
