#include "eval/refinement_run.h"

#include <ATen/ATen.h>

#include "base/stopwatch.h"
#include "models/device.h"

namespace reprise {
namespace {

at::Tensor tensor_of(const std::vector<size_t>& indices) {
  return at::tensor(std::vector<int64_t>(indices.begin(), indices.end()), at::kLong);
}

/// Of each row, how many of `rows_M`, ascending, stand in its sequence up to itself.
std::vector<double> picked_up_to(const at::Tensor& rows_M, int64_t sequences, int64_t length) {
  const at::Tensor seen_M = ops::see_one_another(rows_M, sequences, length).seen_M;
  return {seen_M.const_data_ptr<int64_t>(), seen_M.const_data_ptr<int64_t>() + seen_M.numel()};
}

}  // namespace

at::Tensor readouts_at(const at::Tensor& features_BTD, const at::Tensor& rows_N) {
  return features_BTD.flatten(0, 1).index_select(0, moved_to(features_BTD.device(), rows_N));
}

std::vector<double> RefinementRun::run(const RowChoice& choice, PassCost& spent) const {
  const bool once = plan_.coda_once();
  std::vector<double> nll = coarse_.predictions.nll;
  BasePasses state = base_;
  Candidates candidates = coarse_;
  bool ran = false;
  for (int64_t pass = 1; pass <= plan_.most_passes; ++pass) {
    const Stopwatch watch;
    const std::vector<size_t> picked = choice.scored(pass, candidates);
    const at::Tensor rows_M = rows_of_pass(picked, choice, pass);
    const bool runs = once ? rows_M.numel() > 0 : !picked.empty();
    if (runs) {
      const RefinedRows refined = network_.refine(state, rows_M, plan_.how);
      if (once || pass < plan_.most_passes) state = network_.advance(state, refined);
      if (!once) {
        candidates = read(refined, picked);
        for (size_t p = 0; p < picked.size(); ++p) nll[picked[p]] = candidates.predictions.nll[p];
      }
    }
    spent += {.seconds = watch.seconds(), .tokens = static_cast<double>(picked.size())};
    count(runs ? rows_M : at::empty({0}, at::kLong), picked, spent);
    ran = ran || runs;
    if (!runs) break;
  }
  if (once && ran) {
    const Stopwatch watch;
    nll =
        predict(network_, readouts_at(network_.finish(state), batch_.rows_N), batch_.targets_N).nll;
    spent += {.seconds = watch.seconds(), .executed_flops = flops_.readout(dense_work(batch_))};
  }
  return nll;
}

at::Tensor RefinementRun::rows_of_pass(const std::vector<size_t>& picked, const RowChoice& choice,
                                       int64_t pass) const {
  const at::Tensor scored = batch_.rows_N.index_select(0, tensor_of(picked));
  const ContextRows& context = batch_.context;
  if (!plan_.sees_refined() || context.places.empty()) return scored;
  std::vector<size_t> again;
  for (size_t k = 0; k < context.places.size(); ++k)
    if (choice.decided.at(context.documents[k], context.places[k].position) >= pass)
      again.push_back(k);
  return std::get<0>(at::cat({scored, context.rows_K.index_select(0, tensor_of(again))}).sort());
}

Candidates RefinementRun::read(const RefinedRows& refined, std::vector<size_t> picked) const {
  const at::Tensor indices_P = tensor_of(picked);
  const at::Tensor places_P =
      at::searchsorted(refined.rows_M.cpu(), batch_.rows_N.index_select(0, indices_P));
  const at::Tensor features_PD =
      refined.features_MD.index_select(0, moved_to(refined.features_MD.device(), places_P));
  Candidates read{std::move(picked),
                  predict(network_, features_PD, batch_.targets_N.index_select(0, indices_P)),
                  {}};
  if (plan_.most_passes > 1) read.others = signals_(features_PD, read.predictions);
  return read;
}

/// A decoder makes the keys of every halted position, which later ones may look up; this pass those
/// of the whole batch.
void RefinementRun::count(const at::Tensor& rows_M, const std::vector<size_t>& picked,
                          PassCost& spent) const {
  const KeyRule rule = plan_.how.rule;
  const int64_t sequences = batch_.tokens_BT.size(0), length = batch_.tokens_BT.size(1);
  const auto scored = static_cast<double>(picked.size());
  const double halted = static_cast<double>(batch_.places.size()) - scored;
  const auto flops_of = [&](const PassWork& work, double states) {
    return plan_.coda_once() ? flops_.core_refinement(work, {rule, states})
                             : flops_.refinement(work, {rule, states});
  };
  PassWork nominal, executed;
  const std::vector<double> seen = picked_up_to(rows_M, sequences, length);
  const int64_t* rows = rows_M.const_data_ptr<int64_t>();
  const int64_t* scored_rows = batch_.rows_N.const_data_ptr<int64_t>();
  for (size_t m = 0, p = 0; m < seen.size(); ++m) {
    executed += {1, seen_keys(rule, static_cast<double>(length), seen[m]), 0};
    if (p == picked.size() || scored_rows[picked[p]] != rows[m]) continue;  // context
    nominal += {1, seen_keys(rule, batch_.keys[picked[p]], seen[m]), 1};
    ++p;
  }
  executed.readouts = scored;
  const double states = rows_M.numel() > 0 ? static_cast<double>(sequences * length) : 0;
  spent +=
      {.nominal_flops = flops_of(nominal, halted), .executed_flops = flops_of(executed, states)};
}

}  // namespace reprise
