#include "models/cost/network_walk.h"

#include <cmath>

namespace reprise {

NetworkWalk::NetworkWalk(const ModelOptions& model, const MemoryCase& c)
    : model_(model),
      plan_(make_pass_plan(model)),
      case_(c),
      recorded_(recorded_run(model, plan_, c.run)),
      walk_(model, c.compute, tape_),
      positions_(static_cast<double>(c.sequences * c.length)) {}

StepMemory NetworkWalk::run() {
  tape_.hold(tables_and_rows());
  walk_.bind_table("embedding");
  if (model_.reinjection == Reinjection::kProject)
    walk_.bind_matrix("reinjection.projection", 2 * width() * width());
  if (model_.basis_rank > 0) tape_.record({.takes_shared = {"basis"}});
  const WalkedRows rows{.count = positions_, .keys = positions_, .embedded = embed()};
  run_passes(run_prelude(rows), rows);
  lose_coarse(rows);
  if (case_.refine_share > 0) refine(rows);
  for (const int64_t pass : case_.readouts) lose_readout(pass, rows);
  StepMemory memory{walk_.bound_bytes(), tape_.live(), 0};
  tape_.backward();
  memory.peak_bytes = tape_.peak();
  return memory;
}

/// Cosines and sines, and two numbers that say where each row stands.
double NetworkWalk::tables_and_rows() const {
  const auto head_width = static_cast<double>(model_.head_width());
  const double pairs = std::round(model_.rope_share * head_width / 2);
  return 2 * kWideBytes * static_cast<double>(model_.context) * pairs +
         2 * static_cast<double>(sizeof(int64_t)) * positions_;
}

TapeTensor NetworkWalk::embed() {
  const auto vocab = static_cast<double>(model_.vocab);
  const auto columns = static_cast<double>(model_.table_width());
  TapeTensor embedded = walk_.make(positions_, columns);
  tape_.record({.takes = walk_.bytes(positions_, columns),
                .shares = {{"embedding", walk_.bytes(vocab, columns)}}});
  if (model_.embedding_rank > 0)
    embedded = walk_.multiply(embedded, positions_, {columns, width()}, "embedding.projection");
  const TapeTensor normed = walk_.normalise(embedded, positions_, width());
  tape_.record({.takes_shared = {"x0"}});
  return normed;
}

/// What passes without a graph read of it is there until the first of them has run a layer.
TapeTensor NetworkWalk::run_prelude(const WalkedRows& rows) {
  TapeTensor hidden = rows.embedded;
  size_t recorded = tape_.operations();
  double layer_bytes = 0;
  for (int64_t i = 0; i < plan_.prelude.count; ++i) {
    const double before = tape_.live();
    hidden = walk_.run_layers({plan_.prelude.first + i, 1}, 0, hidden, rows);
    layer_bytes = tape_.live() - before;
    if (i < recorded_.prelude) recorded = tape_.operations();
  }
  if (recorded_.is_truncated()) {
    tape_.pass_by(layer_bytes);
    tape_.forget(recorded);
  }
  if (model_.reinjection != Reinjection::kNone) entered_ = hidden;
  // Who mixes it saves it; who joins it to the stream does not, and the passes hold it.
  if (model_.reinjection == Reinjection::kProject) tape_.hold(stream_bytes(rows));
  tape_.record({.takes_shared = {"entered"}});
  return hidden;
}

/// A stream that is handed back, whether it has a graph or not.
void NetworkWalk::keep_stream(TapeTensor state) {
  tape_.keep(state);
  for (const auto& [layer, tensor] : walk_.left())
    if (layer < plan_.coda.first) tape_.keep(tensor);
}

void NetworkWalk::run_passes(TapeTensor hidden, const WalkedRows& rows) {
  for (int64_t pass = 0; pass < recorded_.passes; ++pass) {
    hidden = run_pass(pass, hidden, rows);
    states_.push_back(hidden);
    if (pass == last_pass() || !case_.readouts.empty()) keep_stream(hidden);
    tape_.record({.takes_shared = gradients_of(pass)});
    if (sums()) add_readout(pass, rows);
  }
}

TapeTensor NetworkWalk::run_pass(int64_t pass, TapeTensor before, const WalkedRows& rows) {
  const CorePass& planned = planned_pass(plan_, pass);
  if (pass < recorded_.first) return walk_.run_unrecorded(planned.layers, planned.own, rows);
  const TapeTensor hidden =
      walk_.run_layers(planned.layers, planned.own, begin_pass(before, rows), rows);
  return end_pass(hidden, before, rows, pass > recorded_.first ? state_name(pass - 1) : "entered");
}

/// models/pass_interface.cpp.
TapeTensor NetworkWalk::begin_pass(TapeTensor hidden, const WalkedRows& rows) {
  const double stream = stream_bytes(rows);
  const SharedGradient entered{rows.entered_name, stream};
  if (model_.reinjection == Reinjection::kMix || model_.reinjection == Reinjection::kBounded) {
    tape_.record({.saves = {hidden, entered_},
                  .takes = stream,
                  .gives = stream,
                  .shares = {entered},
                  .scratch = walk_.channel_sums(rows.count)});
    hidden = walk_.make(rows.count, width());
  } else if (model_.reinjection == Reinjection::kProject) {
    const TapeTensor both = walk_.make(rows.count, 2 * width());
    tape_.record({.takes = 2 * stream, .gives = stream, .shares = {entered}});
    hidden = walk_.multiply(both, rows.count, {2 * width(), width()}, "reinjection.projection");
  }
  if (model_.pass_embedding) hidden = walk_.make(rows.count, width());
  if (model_.film) {
    tape_.record({.saves = {hidden}, .takes = stream, .gives = stream, .scratch = stream});
    hidden = walk_.make(rows.count, width());
  }
  return hidden;
}

/// Mixing: with what the pass began with, whose gradient goes by that name.
TapeTensor NetworkWalk::end_pass(TapeTensor hidden, TapeTensor before, const WalkedRows& rows,
                                 const std::string& name) {
  if (!model_.pass_mixing) return hidden;
  const double stream = stream_bytes(rows);
  Operation mixing{.saves = {hidden, before},
                   .takes = stream,
                   .gives = stream,
                   .scratch = walk_.channel_sums(rows.count)};
  // What passes without a graph left takes no gradient.
  if (!recorded_.is_truncated() || name != "entered") mixing.shares = {{name, stream}};
  tape_.record(std::move(mixing));
  return walk_.make(rows.count, width());
}

}  // namespace reprise
