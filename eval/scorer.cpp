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

/// Of each row, how many of `rows_M`, ascending, stand in its sequence up to itself.
std::vector<double> picked_up_to(const at::Tensor& rows_M, int64_t sequences, int64_t length) {
  const at::Tensor seen_M = ops::see_one_another(rows_M, sequences, length).seen_M;
  return {seen_M.const_data_ptr<int64_t>(), seen_M.const_data_ptr<int64_t>() + seen_M.numel()};
}

constexpr auto kEvery = [](size_t) { return true; };

}  // namespace

at::Tensor picked_rows(const ScoringBatch& batch, const Scorer::Picks& picked) {
  const at::Tensor scored = batch.rows_N.index_select(0, indices_of(picked.scored));
  if (picked.context.empty()) return scored;
  const at::Tensor context = batch.context.rows_K.index_select(0, indices_of(picked.context));
  return std::get<0>(at::cat({scored, context}).sort());
}

Scorer::Picks Scorer::pick_by_gate(const BasePasses& base, const ScoringBatch& batch,
                                   const Predictions& coarse, const SignalValues& signals) const {
  Picks picks;
  picks.scored = gate().decide({coarse.entropy, coarse.margin, batch.places, signals});
  const ContextRows& context = batch.context;
  if (!sees_refined(rule()) || context.places.empty()) return picks;
  const at::Tensor no_targets_K = at::zeros_like(context.rows_K);
  Observed seen;
  if (gate().needs_others())
    seen = observe(network_, base, context.rows_K, no_targets_K);
  else
    seen.predictions =
        predict(network_, scored_rows(base.features_BTD, context.rows_K), no_targets_K);
  const Predictions& before = seen.predictions;
  picks.context = gate().decide({before.entropy, before.margin, context.places, seen.signals});
  return picks;
}

/// What deciding about the context took beside: its predictions, and where a gate looks at more its
/// signals.
double Scorer::context_flops(const ScoringBatch& batch, const Picks& by_gate) const {
  if (by_gate.context.empty()) return 0;
  PassWork read;
  read.readouts = static_cast<double>(by_gate.context.size());
  const double heads = flops_.head(read);
  return gate().needs_others() ? 3 * heads + flops_.readout(dense_work(batch)) : heads;
}

/// As many of every window's scored positions as the gate picked there, and as many of its context.
Scorer::Picks Scorer::pick_by_control(const Picks& gate, const ScoringBatch& batch) const {
  Picks picks{draw_control(second_.control_seed, gate.scored, batch.places, batch.windows), {}};
  if (!gate.context.empty())
    picks.context = draw_control(second_.control_seed, gate.context, batch.context.places,
                                 batch.context.windows);
  return picks;
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
  double signals_s = 0;
  if (refines) {
    Observed observed = observe(network_, base, batch.rows_N, batch.targets_N);
    scores.base = std::move(observed.predictions);
    scores.signals = std::move(observed.signals);
    signals_s = observed.signals_s;
  } else {
    scores.base = predict(network_, scored_rows(base.features_BTD, batch.rows_N), batch.targets_N);
  }
  scores.passes = passes_of(base, batch.rows_N);
  const PassWork nominal = nominal_work(batch, kEvery), executed = dense_work(batch);
  spent.base +=
      {base_watch.seconds() - signals_s, flops_.base(nominal), flops_.base(executed), tokens};
  if (!refines) return scores;

  const Stopwatch gate_watch;
  const Picks by_gate = pick_by_gate(base, batch, scores.base, scores.signals);
  const double nominal_flops = flops_.readout(nominal) + 2 * flops_.head(nominal);
  spent.signals += {
      signals_s + gate_watch.seconds(), nominal_flops,
      flops_.readout(executed) + 2 * flops_.head(executed) + context_flops(batch, by_gate), tokens};
  const Picks by_control = pick_by_control(by_gate, batch);
  scores.nll_gated = score_sparse(base, batch, scores.base.nll, by_gate, spent.gated);
  scores.nll_random = score_sparse(base, batch, scores.base.nll, by_control, spent.random);
  scores.refined = by_gate.scored;
  scores.random = by_control.scored;

  const Stopwatch all_watch;
  scores.all = predict(network_, scored_rows(network_.refine_all(base, rule()), batch.rows_N),
                       batch.targets_N);
  const auto flops_of_all = [&](PassWork work) {
    work.keys = seen_keys(rule(), work.keys, work.keys);
    return flops_.refinement(work, {rule()});
  };
  spent.all += {all_watch.seconds(), flops_of_all(nominal), flops_of_all(executed), tokens};
  return scores;
}

std::vector<double> Scorer::score_sparse(const BasePasses& base, const ScoringBatch& batch,
                                         const std::vector<double>& nll_base, const Picks& picked,
                                         PassCost& spent) const {
  const Stopwatch watch;
  std::vector<double> nll = nll_base;
  const at::Tensor rows_M = picked_rows(batch, picked);
  const at::Tensor indices_P = indices_of(picked.scored);
  // A decoder makes the keys of every halted position, which later ones may look up.
  const double halted = static_cast<double>(batch.places.size() - indices_P.numel());
  if (indices_P.numel() == 0) {
    spent += {watch.seconds(), flops_.refinement({}, {rule(), halted}), 0, 0};
    return nll;
  }
  const at::Tensor features_MD = network_.refine_rows(base, rows_M, rule());
  const at::Tensor places_P = at::searchsorted(rows_M, batch.rows_N.index_select(0, indices_P));
  const Predictions refined =
      predict(network_, features_MD.index_select(0, moved_to(features_MD.device(), places_P)),
              batch.targets_N.index_select(0, indices_P));
  for (size_t n = 0, m = 0; n < nll.size(); ++n)
    if (picked.scored[n]) nll[n] = refined.nll[m++];
  const double seconds = watch.seconds();  // the counting below is no part of the pass

  const int64_t sequences = batch.tokens_BT.size(0), length = batch.tokens_BT.size(1);
  const std::vector<double> refined_seen = picked_up_to(rows_M, sequences, length);
  PassWork nominal, executed;
  const int64_t *indices = indices_P.const_data_ptr<int64_t>(),
                *places = places_P.const_data_ptr<int64_t>();
  for (size_t p = 0; p < refined.nll.size(); ++p)
    nominal += {1,
                seen_keys(rule(), batch.keys[static_cast<size_t>(indices[p])],
                          refined_seen[static_cast<size_t>(places[p])]),
                1};
  for (const double seen : refined_seen)
    executed += {1, seen_keys(rule(), static_cast<double>(length), seen), 0};
  const auto scored = static_cast<double>(refined.nll.size());
  executed.readouts = scored;
  // This pass makes those of the whole batch.
  const double all = static_cast<double>(sequences * length);
  spent += {seconds, flops_.refinement(nominal, {rule(), halted}),
            flops_.refinement(executed, {rule(), all}), scored};
  return nll;
}

}  // namespace reprise
