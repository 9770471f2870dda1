// Refinement passes of a Network over gathered rows.
#include <ATen/ATen.h>

#include <algorithm>
#include <functional>
#include <span>

#include "models/device.h"
#include "models/network.h"
#include "models/network_weights.h"

namespace reprise {

namespace {

void require_rows(const at::Tensor& rows_M, int64_t positions) {
  const at::Tensor rows = rows_M.cpu().contiguous();
  const std::span all(rows.const_data_ptr<int64_t>(), static_cast<size_t>(rows.numel()));
  const bool ascending = std::ranges::adjacent_find(all, std::greater_equal{}) == all.end();
  require(all.empty() || (ascending && all.front() >= 0 && all.back() < positions),
          ExitCode::kFailure, "rows to refine must be distinct, ascending and below ", positions);
}

/// These rows of a tensor of every row, which may be undefined.
at::Tensor rows_of(const at::Tensor& all_ND, const RowSelection& picked) {
  return picked.all || !all_ND.defined() ? all_ND : all_ND.index_select(0, picked.rows_M);
}

RowSet rows_of(const RowSet& all, const RowSelection& picked) {
  RowSet rows = all;
  rows.positions_M = rows_of(all.positions_M, picked);
  rows.embedded_MD = rows_of(all.embedded_MD, picked);
  return rows;
}

/// Every row, of which the lists of rows themselves need not be made.
RowSelection every_row(const at::Tensor& embedded_BTD) {
  const int64_t sequences = embedded_BTD.size(0), length = embedded_BTD.size(1);
  const ops::Sight sight = ops::see_all(sequences, length, embedded_BTD.device());
  return {at::arange(sequences * length, sight.seen_M.options()), sight, sight, true};
}

}  // namespace

void Network::require_refinable(RefineOptions options) const {
  require(options.coda == CodaRun::kAgain || options_.readout == Readout::kLast, ExitCode::kUsage,
          "summed readouts take the coda behind every pass, so it cannot run once; set "
          "model.readout = last, or run it again");
}

void Network::require_keys(const BasePasses& base, RefineOptions options) const {
  const int64_t coda = options.coda == CodaRun::kAgain ? plan_.coda.count : 0;
  require(
      std::ssize(base.core_keys) == plan_.refinement.layers.count &&
          std::ssize(base.coda_keys) >= coda,
      ExitCode::kFailure,
      "a refinement pass needs the keys of the base passes, and where the coda runs again those "
      "of the coda; run base_passes with keys = true");
}

HaltedStates Network::halted_states(const BasePasses& base, const RowSet& rows) const {
  return {weights_->interface.begin(plan_.refinement.own, base.coarse.hidden_MD, base.entered_MD),
          rows};
}

RefinedRows Network::run_refinement(const BasePasses& base, const RowSet& rows,
                                    const RowSelection& picked, CodaRun coda_run, KeyReader& core,
                                    KeyReader& coda) const {
  const RowSet own = rows_of(rows, picked);
  RefinedRows refined;
  refined.rows_M = picked.rows_M;
  refined.stream =
      run_pass(plan_.refinement, picked.all ? base.coarse : pick_rows(base.coarse, picked.rows_M),
               rows_of(base.entered_MD, picked), own, core);
  if (coda_run == CodaRun::kOnce) return refined;
  refined.features_MD = read_out(refined.stream, own, coda);
  if (options_.readout == Readout::kSum)
    refined.features_MD = rows_of(base.features_BTD.flatten(0, 1), picked) + refined.features_MD;
  return refined;
}

RefinedRows Network::refine_picked(const BasePasses& base, const RowSelection& picked,
                                   RefineOptions options) const {
  require_refinable(options);
  require_keys(base, options);
  const RowSet rows = all_rows(base.embedded_BTD);
  const bool copies = options.rule == KeyRule::kCopyState;
  const HaltedStates halted = copies ? halted_states(base, rows) : HaltedStates{};
  RuleReader core(options.rule, base.core_keys, picked, copies ? &halted : nullptr);
  RuleReader coda(options.rule, base.coda_keys, picked, nullptr);
  RefinedRows refined = run_refinement(base, rows, picked, options.coda, core, coda);
  refined.options = options;
  refined.core_keys = core.take_made();
  refined.coda_keys = coda.take_made();
  return refined;
}

RefinedRows Network::refine(const BasePasses& base, const at::Tensor& rows_M,
                            RefineOptions options) const {
  const int64_t sequences = base.embedded_BTD.size(0), length = base.embedded_BTD.size(1);
  require_rows(rows_M, sequences * length);
  const at::Tensor rows = moved_to(base.embedded_BTD.device(), rows_M);
  return refine_picked(base, pick(rows, sequences, length), options);
}

at::Tensor Network::refine_rows(const BasePasses& base, const at::Tensor& rows_M,
                                KeyRule rule) const {
  return refine(base, rows_M, {.rule = rule}).features_MD;
}

at::Tensor Network::refine_all(const BasePasses& base, KeyRule rule) const {
  return refine_picked(base, every_row(base.embedded_BTD), {.rule = rule})
      .features_MD.view_as(base.embedded_BTD);
}

BasePasses Network::advance(const BasePasses& base, const RefinedRows& refined) const {
  BasePasses next = base;
  next.coarse = replace_rows(base.coarse, refined.rows_M, refined.stream);
  if (refined.options.coda == CodaRun::kAgain)
    next.features_BTD = base.features_BTD.flatten(0, 1)
                            .index_copy(0, refined.rows_M, refined.features_MD)
                            .view_as(base.features_BTD);
  if (refined.options.rule != KeyRule::kLatest) return next;
  for (size_t layer = 0; layer < refined.core_keys.size(); ++layer)
    next.core_keys[layer] =
        replace_rows(base.core_keys[layer], refined.rows_M, refined.core_keys[layer]);
  for (size_t layer = 0; layer < refined.coda_keys.size(); ++layer)
    next.coda_keys[layer] =
        replace_rows(base.coda_keys[layer], refined.rows_M, refined.coda_keys[layer]);
  return next;
}

at::Tensor Network::finish(const BasePasses& advanced) const {
  return read_out_all(advanced.coarse, advanced);
}

}  // namespace reprise
