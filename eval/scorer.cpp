#include "eval/scorer.h"

#include <ATen/ATen.h>

#include "base/stopwatch.h"
#include "eval/control.h"
#include "models/device.h"

namespace reprise {
namespace {

/// The readouts of the scored rows: [B, T, D] -> [N, D].
at::Tensor scored_rows(const at::Tensor& features_BTD, const at::Tensor& rows_N) {
  return features_BTD.flatten(0, 1).index_select(0, moved_to(features_BTD.device(), rows_N));
}

at::Tensor indices_of(const std::vector<uint8_t>& picked) {
  std::vector<int64_t> indices;
  for (size_t n = 0; n < picked.size(); ++n)
    if (picked[n]) indices.push_back(static_cast<int64_t>(n));
  return at::tensor(indices, at::kLong);
}

/// Of each scored row: all, or where positions exit, those up to its exit.
std::vector<uint8_t> passes_of(const BasePasses& base, const at::Tensor& rows_N) {
  std::vector<uint8_t> passes(static_cast<size_t>(rows_N.numel()),
                              static_cast<uint8_t>(base.passes));
  if (!base.exits_M.defined()) return passes;
  const at::Tensor exits_N =
      base.exits_M.index_select(0, moved_to(base.exits_M.device(), rows_N)).cpu();
  for (size_t n = 0; n < passes.size(); ++n)
    passes[n] = static_cast<uint8_t>(exits_N.const_data_ptr<int64_t>()[n]);
  return passes;
}

/// What a decoder would do for the predictions that `counts` accepts.
template <class Counts>
PassWork nominal_work(const ScoringBatch& batch, Counts&& counts) {
  PassWork work;
  for (size_t n = 0; n < batch.keys.size(); ++n)
    if (counts(n)) work += {1, batch.keys[n], 1};
  return work;
}

constexpr auto kEvery = [](size_t) { return true; };

}  // namespace

at::Tensor picked_rows(const at::Tensor& rows_N, const std::vector<uint8_t>& picked) {
  return rows_N.index_select(0, indices_of(picked));
}

Predictions Scorer::score_base(const ScoringBatch& batch) const {
  const at::NoGradGuard no_grad;
  const BasePasses base = network_.base_passes(batch.tokens_BT);
  return predict(network_, scored_rows(base.features_BTD, batch.rows_N), batch.targets_N);
}

BatchScores Scorer::score(const ScoringBatch& batch, Accounting& spent) const {
  const at::NoGradGuard no_grad;
  const auto tokens = static_cast<double>(batch.places.size());
  BatchScores scores;
  const Stopwatch base_watch;
  const bool refines = passes() == Passes::kRefined;
  const bool sums = network_.options().readout == Readout::kSum;
  const BasePasses base = network_.base_passes(
      batch.tokens_BT, {.keys = refines, .all_passes = refines && sums, .trail = refines});
  scores.base = predict(network_, scored_rows(base.features_BTD, batch.rows_N), batch.targets_N);
  scores.passes = passes_of(base, batch.rows_N);
  const PassWork nominal = nominal_work(batch, kEvery), executed = dense_work(batch);
  spent.base += {base_watch.seconds(), flops_.base(nominal), flops_.base(executed), tokens};
  if (!refines) return scores;

  const Stopwatch signals_watch;
  scores.signals = signals_of(network_, base, batch.rows_N);
  spent.signals += {signals_watch.seconds(), flops_.readout(nominal) + 2 * flops_.head(nominal),
                    flops_.readout(executed) + 2 * flops_.head(executed), tokens};
  scores.refined = gate().decide({scores.base.entropy, scores.base.margin, batch.places});
  scores.random = draw_control(second_.control_seed, scores.refined, batch.places, batch.windows);
  scores.nll_gated = score_sparse(base, batch, scores.base.nll, scores.refined, spent.gated);
  scores.nll_random = score_sparse(base, batch, scores.base.nll, scores.random, spent.random);

  const Stopwatch all_watch;
  scores.all =
      predict(network_, scored_rows(network_.refine_all(base), batch.rows_N), batch.targets_N);
  spent.all +=
      {all_watch.seconds(), flops_.refinement(nominal), flops_.refinement(executed), tokens};
  return scores;
}

std::vector<double> Scorer::score_sparse(const BasePasses& base, const ScoringBatch& batch,
                                         const std::vector<double>& nll_base,
                                         const std::vector<uint8_t>& picked,
                                         PassCost& spent) const {
  const Stopwatch watch;
  std::vector<double> nll = nll_base;
  const at::Tensor indices_M = indices_of(picked);
  if (indices_M.numel() == 0) return nll;
  const at::Tensor features_MD =
      network_.refine_rows(base, batch.rows_N.index_select(0, indices_M));
  const Predictions refined =
      predict(network_, features_MD, batch.targets_N.index_select(0, indices_M));
  for (size_t n = 0, m = 0; n < nll.size(); ++n)
    if (picked[n]) nll[n] = refined.nll[m++];

  const auto count = static_cast<double>(refined.nll.size());
  const PassWork nominal = nominal_work(batch, [&](size_t n) { return picked[n] != 0; });
  const PassWork executed{count, count * static_cast<double>(batch.tokens_BT.size(1)), count};
  spent += {watch.seconds(), flops_.refinement(nominal), flops_.refinement(executed), count};
  return nll;
}

}  // namespace reprise
