#include "models/cost/memory.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "models/cost/layer_walk.h"
#include "models/cost/recorded.h"
#include "models/ops/head.h"

namespace reprise {
namespace {

/// Forward as models/network.cpp runs it, on a tape.
class NetworkWalk {
 public:
  NetworkWalk(const ModelOptions& model, const MemoryCase& c)
      : model_(model),
        plan_(make_pass_plan(model)),
        case_(c),
        recorded_(recorded_run(model, plan_, c.run)),
        walk_(model, c.compute, tape_),
        positions_(static_cast<double>(c.sequences * c.length)) {}

  StepMemory run() {
    tape_.hold(tables_and_rows());
    walk_.bind_table("embedding");
    if (model_.reinjection == Reinjection::kProject)
      walk_.bind_matrix("reinjection.projection", 2 * width() * width());
    if (model_.basis_rank > 0) tape_.record({.takes_shared = {"basis"}});
    const WalkedRows rows{.count = positions_, .keys = positions_, .embedded = embed()};
    TapeTensor hidden = run_prelude(rows);
    for (int64_t pass = 0; pass < recorded_.passes; ++pass) {
      hidden = run_pass(pass, hidden, rows);
      states_.push_back(hidden);
      tape_.record({.takes_shared = {state_name(pass)}});
    }
    lose(walk_.run_layers(plan_.coda, 0, hidden, rows), positions_);
    if (case_.refine_share > 0) refine(rows);
    for (const int64_t pass : case_.readouts) read_out(pass, rows);
    StepMemory memory{walk_.bound_bytes(), tape_.live(), 0};
    tape_.backward();
    memory.peak_bytes = tape_.peak();
    return memory;
  }

 private:
  static std::string state_name(int64_t pass) { return concat("state ", pass); }
  double width() const { return static_cast<double>(model_.width); }

  /// Cosines and sines, and two numbers that say where each row stands.
  double tables_and_rows() const {
    const auto head_width = static_cast<double>(model_.head_width());
    const double pairs = std::round(model_.rope_share * head_width / 2);
    return 2 * kWideBytes * static_cast<double>(model_.context) * pairs +
           2 * static_cast<double>(sizeof(int64_t)) * positions_;
  }

  TapeTensor embed() {
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
  TapeTensor run_prelude(const WalkedRows& rows) {
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
    if (model_.reinjection == Reinjection::kProject) tape_.hold(walk_.bytes(rows.count, width()));
    tape_.record({.takes_shared = {"entered"}});
    return hidden;
  }

  TapeTensor run_pass(int64_t pass, TapeTensor before, const WalkedRows& rows) {
    const CorePass& planned = planned_pass(plan_, pass);
    if (pass < recorded_.first) return walk_.run_unrecorded(planned.layers, planned.own, rows);
    const TapeTensor hidden =
        walk_.run_layers(planned.layers, planned.own, begin_pass(before, rows), rows);
    return end_pass(hidden, before, rows,
                    pass > recorded_.first ? state_name(pass - 1) : "entered");
  }

  /// models/pass_interface.cpp.
  TapeTensor begin_pass(TapeTensor hidden, const WalkedRows& rows) {
    const double stream = walk_.bytes(rows.count, width());
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
  TapeTensor end_pass(TapeTensor hidden, TapeTensor before, const WalkedRows& rows,
                      const std::string& name) {
    if (!model_.pass_mixing) return hidden;
    const double stream = walk_.bytes(rows.count, width());
    Operation mixing{.saves = {hidden, before},
                     .takes = stream,
                     .gives = stream,
                     .scratch = walk_.channel_sums(rows.count)};
    // What passes without a graph left takes no gradient.
    if (!recorded_.is_truncated() || name != "entered") mixing.shares = {{name, stream}};
    tape_.record(std::move(mixing));
    return walk_.make(rows.count, width());
  }

  /// The coda again, over the state of an earlier pass.
  void read_out(int64_t pass, const WalkedRows& rows) {
    const double stream = walk_.bytes(rows.count, width());
    tape_.record({.takes = stream, .shares = {{state_name(pass), stream}}});
    const TapeTensor state = states_.at(static_cast<size_t>(pass));
    lose(walk_.run_layers(plan_.coda, 0, state, rows), rows.count);
  }

  /// Final norm and cross-entropy: logits are made chunk by chunk (models/ops/head.cpp).
  void lose(TapeTensor hidden, double rows) {
    const std::string table = model_.tied ? "embedding" : "head";
    if (!model_.tied && !std::exchange(head_is_bound_, true)) walk_.bind_table(table);
    TapeTensor features = walk_.normalise(hidden, rows, width());
    const auto columns = static_cast<double>(model_.table_width());
    if (model_.embedding_rank > 0)
      features = walk_.multiply(features, rows, {width(), columns}, table + ".projection");
    const double nats = kWideBytes * rows;
    const double of_table = static_cast<double>(model_.vocab) * columns;
    const double logits = walk_.bytes(
        std::min(rows, static_cast<double>(ops::rows_of_logits(model_.vocab, at::kCPU))),
        static_cast<double>(model_.vocab));
    tape_.record({.saves = {features, walk_.make_wide(rows, 1)},
                  .takes = nats,
                  .gives = walk_.bytes(rows, columns),
                  .shares = {{table, walk_.bytes(of_table, 1)}},
                  .scratch = logits + kWideBytes * of_table});
    tape_.hold(nats);
    tape_.pass_by(logits);
  }

  /// The picked rows of the state, of x0 and of what entered the core; then core and coda on them.
  void refine(const WalkedRows& all) {
    WalkedRows rows = all;
    rows.count = std::round(case_.refine_share * positions_), rows.makes_keys = false;
    rows.embedded_name = "picked x0", rows.entered_name = "picked entered";
    const double every = walk_.bytes(positions_, width()),
                 picked = walk_.bytes(rows.count, width());
    const auto pick = [&](const std::string& taken, const std::string& shared) {
      tape_.record({.shares = {{shared, every}}, .takes_shared = {taken}});
      return walk_.make(rows.count, width());
    };
    rows.embedded = pick(rows.embedded_name, all.embedded_name);
    if (model_.reinjection != Reinjection::kNone)
      entered_ = pick(rows.entered_name, all.entered_name);
    tape_.record({.takes = picked,
                  .shares = {{state_name(recorded_.passes - 1), every}},
                  .takes_shared = {"picked state"}});
    const TapeTensor state = walk_.make(rows.count, width());
    TapeTensor hidden = walk_.run_layers(plan_.refinement.layers, plan_.refinement.own,
                                         begin_pass(state, rows), rows);
    hidden = end_pass(hidden, state, rows, "picked state");
    lose(walk_.run_layers(plan_.coda, 0, hidden, rows), rows.count);
  }

  const ModelOptions& model_;
  PassPlan plan_;
  const MemoryCase& case_;
  RecordedRun recorded_;
  Tape tape_;
  LayerWalk walk_;
  double positions_;
  TapeTensor entered_ = 0;
  std::vector<TapeTensor> states_;  ///< behind each pass
  bool head_is_bound_ = false;
};

}  // namespace

StepMemory step_memory(const ModelOptions& model, const MemoryCase& c) {
  return NetworkWalk(model, c).run();
}

int64_t kv_bytes_per_token(const ModelOptions& model, at::ScalarType compute) {
  const PassPlan plan = make_pass_plan(model);
  int64_t layers = plan.prelude.count + plan.coda.count;
  for (const CorePass& pass : plan.passes) layers += pass.layers.count;
  const int64_t keys_and_values = 2 * model.kv_heads * model.head_width();
  return layers * keys_and_values * static_cast<int64_t>(c10::elementSize(compute));
}

}  // namespace reprise
