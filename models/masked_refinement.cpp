// The definition of a refinement pass: every position computed, every rule a mask over whole
// matrices of scores. Slow, and what the passes over gathered rows are held against.
#include <ATen/ATen.h>

#include "models/device.h"
#include "models/network.h"
#include "models/network_weights.h"
#include "models/ops/reference.h"

namespace reprise {

namespace {

/// Masks of one selection: [B, T].
class MaskedReader final : public KeyReader {
 public:
  /// `halted` as in RuleReader.
  MaskedReader(KeyRule rule, const std::vector<ops::KeyRows>& kept, const at::Tensor& mask_BT,
               const HaltedStates* halted)
      : rule_(rule), kept_(kept), mask_BT_(mask_BT), halted_(halted) {}

  bool makes_keys() const override { return rule_ != KeyRule::kCoarse; }

  at::Tensor attend(size_t layer, const LayerWeights& weights, const ops::Heads& heads) override {
    const int64_t length = mask_BT_.size(1);
    const at::Tensor causal_TT = at::ones({length, length}, mask_BT_.options()).tril();
    const at::Tensor all_BTS = causal_TT.expand({mask_BT_.size(0), length, length});
    // A position that is not picked sees itself: its result is thrown away, but must be a number.
    const at::Tensor picked_BTS = causal_TT.logical_and(mask_BT_.unsqueeze(1))
                                      .logical_or(at::eye(length, mask_BT_.options()));
    const ops::KeyRows made{heads.keys_MGE, heads.values_MGE}, &kept = kept_[layer];
    switch (rule_) {
      case KeyRule::kCoarse:
        return attend_to(heads, kept, all_BTS);
      case KeyRule::kSameDepth:
        return attend_to(heads, made, picked_BTS);
      case KeyRule::kDuo:
        return attend_to(heads, beside(kept, made),
                         at::cat({all_BTS, causal_TT.logical_and(mask_BT_.unsqueeze(1))}, -1));
      case KeyRule::kLatest:
        latest_.push_back(where_picked(made, kept));
        return attend_to(heads, latest_.back(), all_BTS);
      case KeyRule::kCopyState:
        return attend_to(
            heads,
            where_picked(made,
                         halted_ ? make_keys(weights, halted_->hidden_ND, halted_->rows) : kept),
            all_BTS);
    }
    return {};
  }

  /// kLatest: what a later pass finds.
  std::vector<ops::KeyRows> take_latest() { return std::move(latest_); }

 private:
  at::Tensor by_sequence(const at::Tensor& x_NGE) const {
    return x_NGE.unflatten(0, {mask_BT_.size(0), mask_BT_.size(1)});
  }
  ops::KeyRows where_picked(const ops::KeyRows& picked, const ops::KeyRows& others) const {
    const at::Tensor mask_N11 = mask_BT_.flatten().view({-1, 1, 1});
    return {at::where(mask_N11, picked.keys_NGE, others.keys_NGE),
            at::where(mask_N11, picked.values_NGE, others.values_NGE)};
  }
  /// Both sets of every sequence, one behind the other.
  ops::KeyRows beside(const ops::KeyRows& first, const ops::KeyRows& second) const {
    const auto both = [&](const at::Tensor& a, const at::Tensor& b) {
      return at::cat({by_sequence(a), by_sequence(b)}, 1).flatten(0, 1);
    };
    return {both(first.keys_NGE, second.keys_NGE), both(first.values_NGE, second.values_NGE)};
  }
  at::Tensor attend_to(const ops::Heads& heads, const ops::KeyRows& keys,
                       const at::Tensor& seen_BTS) const {
    const auto sets = [&](const at::Tensor& x) { return x.unflatten(0, {mask_BT_.size(0), -1}); };
    return ops::reference::masked_attention(by_sequence(heads.queries_MHE), sets(keys.keys_NGE),
                                            sets(keys.values_NGE), seen_BTS)
        .flatten(0, 1);
  }

  KeyRule rule_;
  const std::vector<ops::KeyRows>& kept_;
  at::Tensor mask_BT_;
  const HaltedStates* halted_;
  std::vector<ops::KeyRows> latest_;
};

}  // namespace

BasePasses Network::refine_masked(const BasePasses& base, const at::Tensor& mask_BT,
                                  RefineOptions options) const {
  require_refinable(options);
  require_keys(base, options);
  const RowSet rows = all_rows(base.embedded_BTD);
  const at::Tensor mask = moved_to(base.embedded_BTD.device(), mask_BT);
  const at::Tensor mask_BT1 = mask.unsqueeze(-1);
  const bool copies = options.rule == KeyRule::kCopyState;
  const HaltedStates halted = copies ? halted_states(base, rows) : HaltedStates{};
  MaskedReader core(options.rule, base.core_keys, mask, copies ? &halted : nullptr);
  const Stream refined = run_pass(plan_.refinement, base.coarse, base.entered_MD, rows, core);
  BasePasses next = base;
  next.coarse = pick_where(mask_BT1.flatten(0, 1), refined, base.coarse);
  if (options.rule == KeyRule::kLatest) next.core_keys = core.take_latest();
  if (options.coda == CodaRun::kOnce) return next;
  MaskedReader coda(options.rule, base.coda_keys, mask, nullptr);
  at::Tensor readout_BTD = read_out(refined, rows, coda).view_as(base.embedded_BTD);
  if (options_.readout == Readout::kSum) readout_BTD = base.features_BTD + readout_BTD;
  next.features_BTD = at::where(mask_BT1, readout_BTD, base.features_BTD);
  if (options.rule == KeyRule::kLatest) next.coda_keys = coda.take_latest();
  return next;
}

}  // namespace reprise
