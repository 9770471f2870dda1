// What is read out of the passes, and the losses of it.
#include <algorithm>
#include <cmath>
#include <utility>

#include "models/cost/network_walk.h"
#include "models/ops/head.h"

namespace reprise {

/// Adding hands its gradient on as it is: one tensor serves every readout in a sum, back to the
/// sum before it that a loss reads too, whose own gradient it is added to.
std::string NetworkWalk::sum_name(int64_t pass) const {
  const auto read = case_.readouts.lower_bound(pass);
  return concat("sum ", read == case_.readouts.end() ? last_pass() : *read);
}

TapeTensor NetworkWalk::run_coda(TapeTensor state, const WalkedRows& rows) {
  return walk_.run_layers(plan_.coda, 0, state, rows);
}

/// The coda behind a pass, where readouts are summed.
void NetworkWalk::add_readout(int64_t pass, const WalkedRows& rows) {
  if (pass < recorded_.first) {
    walk_.run_unrecorded(plan_.coda, 0, rows);
  } else {
    Operation norm{.gives = stream_bytes(rows)};
    // The next pass began with the state too, and its gradients are there first.
    if (pass < last_pass()) {
      tape_.record({.takes = stream_bytes(rows)});
      norm.takes_shared.push_back(state_name(pass));
    }
    norm.saves.push_back(run_coda(states_.back(), rows));
    if (pass == recorded_.first || sum_name(pass - 1) != sum_name(pass))
      norm.takes_shared.push_back(sum_name(pass));
    tape_.record(std::move(norm));
  }
  sums_.push_back(walk_.make(rows.count, width()));
}

/// The readout of every position.
void NetworkWalk::lose_coarse(const WalkedRows& rows) {
  if (!sums()) {
    const TapeTensor coarse = halts() ? halt(rows) : states_.back();
    return lose(walk_.normalise(run_coda(coarse, rows), rows.count, width()), rows.count);
  }
  if (!case_.readouts.empty())
    for (const TapeTensor sum : sums_) tape_.keep(sum);
  lose(sums_.back(), rows.count, sum_name(last_pass()));
}

/// What a loss reads behind an earlier pass: the sum up to there, or the coda run again.
void NetworkWalk::lose_readout(int64_t pass, const WalkedRows& rows) {
  if (sums()) return lose(sums_.at(static_cast<size_t>(pass)), rows.count, sum_name(pass));
  const double stream = stream_bytes(rows);
  tape_.record({.takes = stream, .shares = {{state_name(pass), stream}}});
  const TapeTensor end = run_coda(states_.at(static_cast<size_t>(pass)), rows);
  lose(walk_.normalise(end, rows.count, width()), rows.count);
}

/// Cross-entropy: logits are made chunk by chunk (models/ops/head.cpp). The gradient of the
/// features goes to the norm that made them, or by their name.
void NetworkWalk::lose(TapeTensor features, double rows, const std::string& name) {
  const std::string table = model_.tied ? "embedding" : "head";
  if (!model_.tied && !std::exchange(head_is_bound_, true)) walk_.bind_table(table);
  const auto columns = static_cast<double>(model_.table_width());
  const bool projects = model_.embedding_rank > 0;
  if (projects)
    features = walk_.multiply(features, rows, {width(), columns}, table + ".projection", name);
  const double nats = kWideBytes * rows;
  const double of_table = static_cast<double>(model_.vocab) * columns;
  const double logits =
      walk_.bytes(std::min(rows, static_cast<double>(ops::rows_of_logits(model_.vocab, at::kCPU))),
                  static_cast<double>(model_.vocab));
  Operation entropy{.saves = {features, walk_.make_wide(rows, 1)},
                    .takes = nats,
                    .shares = {{table, walk_.bytes(of_table, 1)}},
                    .scratch = logits + kWideBytes * of_table};
  if (projects || name.empty())
    entropy.gives = walk_.bytes(rows, columns);
  else
    entropy.shares.push_back({name, walk_.bytes(rows, columns)});
  tape_.record(std::move(entropy));
  tape_.hold(nats);
  tape_.pass_by(logits);
}

/// The picked rows of the state, of x0 and of what entered the core; then core and coda on them.
void NetworkWalk::refine(const WalkedRows& all) {
  WalkedRows rows = all;
  rows.count = std::round(case_.refine_share * positions_), rows.makes_keys = false;
  rows.embedded_name = "picked x0", rows.entered_name = "picked entered";
  const double every = stream_bytes(all);
  const auto pick = [&](const std::string& taken, const std::string& shared) {
    tape_.record({.shares = {{shared, every}}, .takes_shared = {taken}});
    return walk_.make(rows.count, width());
  };
  rows.embedded = pick(rows.embedded_name, all.embedded_name);
  if (model_.reinjection != Reinjection::kNone)
    entered_ = pick(rows.entered_name, all.entered_name);
  tape_.record({.takes = stream_bytes(rows),
                .shares = {{coarse_name(), every}},
                .takes_shared = {"picked state"}});
  const TapeTensor state = walk_.make(rows.count, width());
  TapeTensor hidden = walk_.run_layers(plan_.refinement.layers, plan_.refinement.own,
                                       begin_pass(state, rows), rows);
  hidden = end_pass(hidden, state, rows, "picked state");
  const TapeTensor readout = walk_.normalise(run_coda(hidden, rows), rows.count, width());
  if (!sums()) return lose(readout, rows.count);
  tape_.record({.shares = {{sum_name(last_pass()), every}}});  // the coarse readout of these rows
  lose(walk_.make(rows.count, width()), rows.count);
}

}  // namespace reprise
