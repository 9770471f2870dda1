#include "eval/scorer.h"

#include <ATen/ATen.h>

#include "base/stopwatch.h"
#include "models/device.h"
#include "models/live_bytes.h"

namespace reprise {
namespace {

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

/// What a decoder would do for every scored prediction.
PassWork nominal_work(const ScoringBatch& batch) {
  PassWork work;
  for (const double keys : batch.keys) work += {1, keys, 1};
  return work;
}

}  // namespace

Scorer::Scorer(const Network& network, SecondPass second)
    : network_(network), flops_(network.options()), second_(std::move(second)) {
  if (!second_.gate) return;
  signals_.emplace(network, second_.head, second_.gate->terms(), second_.records_signals);
  require_decidable(*second_.gate, second_.policy.get(), plan());
  chooser_.emplace(second_.gate, second_.policy, second_.control_seed);
}

Recorded Scorer::recorded() const {
  Recorded recorded(passes());
  if (!recorded.refined()) return recorded;
  recorded.states = signals_->reads_states();
  recorded.earlier = signals_->reads_earlier();
  recorded.head = signals_->has_head();
  return recorded;
}

Predictions Scorer::refine_everything(const BasePasses& base, const ScoringBatch& batch) const {
  const RefinementPlan& plan = second_.plan;
  const auto read = [&](const at::Tensor& features_BTD) {
    return predict(network_, readouts_at(features_BTD, batch.rows_N), batch.targets_N);
  };
  if (plan.most_passes == 1 && !plan.coda_once())
    return read(network_.refine_all(base, plan.how.rule));
  const at::Tensor every_M = at::arange(batch.tokens_BT.numel(), at::kLong);
  BasePasses state = base;
  for (int64_t pass = 1; pass <= plan.most_passes; ++pass)
    state = network_.advance(state, network_.refine(state, every_M, plan.how));
  return read(plan.coda_once() ? network_.finish(state) : state.features_BTD);
}

/// A decoder's coda that runs once, and its readout, are those of the base passes, counted there;
/// of several passes the last alone is read out.
double Scorer::flops_of_everything(PassWork work) const {
  const RefinementPlan& plan = second_.plan;
  work.keys = seen_keys(plan.how.rule, work.keys, work.keys);
  const double one = plan.coda_once() ? flops_.core_refinement(work, {plan.how.rule})
                                      : flops_.refinement(work, {plan.how.rule});
  const double spared_heads = plan.coda_once() ? 0 : static_cast<double>(plan.most_passes - 1);
  return static_cast<double>(plan.most_passes) * one - spared_heads * flops_.head(work);
}

/// What the coarse readouts predict, and where there is a gate their signals.
Observed Scorer::observe(const BasePasses& base, const ScoringBatch& batch) const {
  if (signals_) return signals_->of_base(base, batch.rows_N, batch.targets_N);
  const at::Tensor features_ND = readouts_at(base.features_BTD, batch.rows_N);
  return {predict(network_, features_ND, batch.targets_N), {}, 0};
}

BatchScores Scorer::score(const ScoringBatch& batch, UnitDepths& depths, Accounting& spent) const {
  const at::NoGradGuard no_grad;
  const auto tokens = static_cast<double>(batch.places.size());
  BatchScores scores;
  LiveBytes bytes;
  const Stopwatch base_watch;
  const bool refines = passes() == Passes::kRefined;
  const bool sums = network_.options().readout == Readout::kSum;
  BasePasses base =
      network_.base_passes(batch.tokens_BT, {.keys = refines,
                                             .all_passes = refines && sums,
                                             .trail = refines && signals_->reads_trail()});
  const int64_t base_bytes = bytes.take_peak();
  Observed observed = observe(base, batch);
  base.trail.clear();  // no pass behind looks at it
  scores.base = std::move(observed.predictions);
  scores.signals = std::move(observed.signals);
  scores.passes = passes_of(base, batch.rows_N);
  const PassWork nominal = nominal_work(batch), executed = dense_work(batch);
  spent.base += {base_watch.seconds() - observed.signals_s, flops_.base(nominal),
                 flops_.base(executed), tokens, base_bytes};
  if (!refines) return scores;
  spent.signals += {observed.signals_s, signals_->flops(flops_, nominal),
                    signals_->flops(flops_, executed), tokens, bytes.take_peak()};

  const Candidates coarse = every_row(batch, scores.base, scores.signals);
  const SignalsOfReadouts of_readouts = [this](const at::Tensor& features_ND,
                                               const Predictions& predictions) {
    return signals_->of_readouts(features_ND, predictions);
  };
  const RefinementRun run(network_, flops_, second_.plan, base, batch, coarse, of_readouts);
  scores.nll_gated = run.run(chooser_->by_gate(batch, depths, spent.nan_scores), spent.gated);
  spent.gated += {.peak_bytes = bytes.take_peak()};
  scores.nll_random = run.run(chooser_->by_control(batch, depths), spent.random);
  spent.random += {.peak_bytes = bytes.take_peak()};
  scores.refined = depths_of(batch, depths.gate);
  scores.random = depths_of(batch, depths.control);

  const Stopwatch all_watch;
  scores.all = refine_everything(base, batch);
  const double coda_flops = plan().coda_once() ? flops_.readout(executed) : 0;
  spent.all += {all_watch.seconds(), flops_of_everything(nominal),
                flops_of_everything(executed) + coda_flops,
                static_cast<double>(second_.plan.most_passes) * tokens, bytes.take_peak()};
  return scores;
}

}  // namespace reprise
