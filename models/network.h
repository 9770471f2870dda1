// The forward contract of every family: prelude, core x passes, coda, tied head; then, for
// positions a gate picks, the core once more.
//
// Readout::kSum: each pass adds its readout to that of the passes before it. The head is linear
// before the cap, so their logits add up, l_t = l_{t-1} + delta_t; the coda runs behind every pass.
// Halting (halting_head.h): what the coda reads behind the last pass is the state each position
// halted with.
//
// A Network binds Parameters to an arithmetic for as long as they do not change: each weight is
// cast once, when it is made, and the cast is part of the autograd graph. Training makes one per
// step, evaluation one per run. Whether casts are recorded is decided where the Network is made,
// not where a pass runs: a weight may first be used by a pass without a graph. It computes where
// the parameters lie; token ids, rows, masks and targets may lie on the host, from where they are
// moved.
//
//   Network network(options, parameters, at::kBFloat16);
//   BasePasses base = network.base_passes(tokens_BT, {.keys = true});
//   at::Tensor nats_BT = network.cross_entropy(base.features_BTD, targets_BT);
//   at::Tensor refined_MD = network.refine_rows(base, rows_M);  // these run the core again
//
// Several refinement passes: what one left becomes what the next begins with, of nested rows.
//
//   RefinedRows second = network.refine(base, rows_M, {.rule = KeyRule::kLatest});
//   base = network.advance(base, second);
//   RefinedRows third = network.refine(base, fewer_rows_K, {.rule = KeyRule::kLatest});
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <vector>

#include "models/layer_stack.h"
#include "models/product_log.h"

namespace reprise {

struct KeepOptions {
  bool keys = false;        ///< keep what refine_* needs
  bool all_passes = false;  ///< keep the hidden state after every base pass, not only the last
  bool routers = false;     ///< keep what the routers of experts decided in the base passes
  bool trail = false;       ///< keep how the coarse state came about
};

/// Which base passes run, and which of them autograd records.
struct PassRun {
  int64_t passes = 0;  ///< how many; 0: as the plan has. Those behind its last repeat that one
  int64_t graph_passes = 0;  ///< backward goes through so many of the last; 0: through all
  bool coda = true;          ///< else there is no readout: a gate before the coda (RefineOptions)
};

/// When the coda runs behind a refinement pass.
enum class CodaRun {
  kAgain,  ///< for the refined positions, on keys by the rule
  kOnce,   ///< behind all refinement, for every position: the gate decided before it
};
template <>
struct EnumNames<CodaRun> {
  static constexpr std::array names{std::pair{CodaRun::kAgain, "again"},
                                    std::pair{CodaRun::kOnce, "once"}};
};

struct RefineOptions {
  KeyRule rule = KeyRule::kCoarse;
  CodaRun coda = CodaRun::kAgain;
};

/// What a refinement pass made of the rows it was given.
struct RefinedRows {
  RefineOptions options;
  at::Tensor rows_M;
  Stream stream;                                   ///< behind the core
  at::Tensor features_MD;                          ///< readouts; undefined where the coda runs once
  std::vector<ops::KeyRows> core_keys, coda_keys;  ///< that they made; empty under kCoarse
};

/// The state after the base passes. "Coarse" is what the coda reads and a refinement pass begins
/// with: the last pass, or where the model halts what that came to.
struct BasePasses {
  int64_t passes = 0;             ///< that ran
  at::Tensor embedded_BTD;        ///< x0, mixed into every layer
  at::Tensor entered_MD;          ///< what entered the core, where passes see it again
  std::vector<Stream> streams_P;  ///< before the coda; the last pass only unless all_passes
  Stream coarse;                  ///< one of those, without halting
  at::Tensor halt_scores_QM;      ///< halting.h; undefined where the model does not halt
  at::Tensor exits_M;             ///< Halting::kExit: the pass of each position, from 1
  /// Of all rows, as a refinement pass reads them: those of the last base pass, one entry per
  /// layer; empty unless keys.
  std::vector<ops::KeyRows> core_keys, coda_keys;
  std::vector<at::Tensor> sums_P;  ///< Readout::kSum: features after each pass, if all_passes
  /// Three states, oldest first, the last of which is the coarse one: what each pass left, or of a
  /// model with one pass each layer of its core; before them what entered the core, and the
  /// embedding. Empty unless trail.
  std::vector<Stream> trail;
  at::Tensor features_BTD;  ///< coarse readout: coda, final norm; or the sum over passes
  RouterLog routers;        ///< in the order in which they ran; empty unless routers
};

/// A part of the model that passes run over.
enum class Part { kPrelude, kCore, kCoda };
/// Where the rows of a base pass look in a part; passes from 0.
using BaseReaders = std::function<std::unique_ptr<KeyReader>(Part part, int64_t pass)>;

class Network {
 public:
  /// Every product of a matrix as it is stored is added to `products`, which outlives this, unless
  /// that is null: those of base passes, refinement, and heads behind them. A matrix that is built
  /// from a basis is none; of a matrix with changes, the product with their sum stands for it.
  Network(const ModelOptions& options, const Parameters& parameters, at::ScalarType compute,
          ProductLog* products = nullptr);

  /// Truncated back-propagation (run.graph_passes): the earlier passes run without a graph and
  /// store nothing for backward, and neither does the prelude where only they read what it made.
  BasePasses base_passes(const at::Tensor& tokens_BT, KeepOptions keep = {},
                         PassRun run = {}) const;
  /// Coda and final norm over the hidden state after base pass `pass`, counted from 0, as though no
  /// position halted; or the sum up to there. All but the last that ran need all_passes.
  at::Tensor readout(const BasePasses& base, int64_t pass) const;

  /// What trail[1], the state before the coarse one, reads out as: through the coda, and of
  /// Readout::kSum, which needs all_passes, added to what came before. And without the coda.
  at::Tensor readout_before(const BasePasses& base) const;
  at::Tensor early_readout_before(const BasePasses& base) const;

  /// One refinement pass over the core, and the coda again, of gathered rows: b * T + t, ascending,
  /// none of them twice. Readouts end in the final norm; with Readout::kSum they are added to the
  /// coarse ones. No rows is a valid selection. Throws kFailure without the keys of the base
  /// passes.
  RefinedRows refine(const BasePasses& base, const at::Tensor& rows_M,
                     RefineOptions options = {}) const;
  /// The readouts alone: of some rows, features_MD; of every row, features_BTD.
  at::Tensor refine_rows(const BasePasses& base, const at::Tensor& rows_M,
                         KeyRule rule = KeyRule::kCoarse) const;
  at::Tensor refine_all(const BasePasses& base, KeyRule rule = KeyRule::kCoarse) const;
  /// The state that a next pass begins with, whose rows are some of these: their states, readouts
  /// and under kLatest keys replaced. Keys of a pass further back stay what they were.
  BasePasses advance(const BasePasses& base, const RefinedRows& refined) const;
  /// CodaRun::kOnce: coda and final norm of every position, refined or not: features_BTD.
  at::Tensor finish(const BasePasses& advanced) const;

  /// The definition of the above, in plain expressions over every position and whole matrices of
  /// scores: the pass computed everywhere, kept where the mask is true. Gives what advance() does.
  BasePasses refine_masked(const BasePasses& base, const at::Tensor& mask_BT,
                           RefineOptions options = {}) const;

  at::Tensor logits(const at::Tensor& features) const;  ///< [..., D] -> softcapped fp32 [..., V]
  /// Nats of each target, [...] int64 -> [...] fp32, without keeping the logits; differentiable.
  at::Tensor cross_entropy(const at::Tensor& features, const at::Tensor& targets) const;

  const ModelOptions& options() const { return options_; }

 private:
  struct Weights;
  RowSet all_rows(const at::Tensor& embedded_BTD) const;  ///< every row of a batch
  ops::Sight see_all(const at::Tensor& embedded_BTD) const;
  /// A pass over the core, from interface to interface.
  Stream run_pass(const CorePass& pass, Stream stream, const at::Tensor& entered_MD,
                  const RowSet& rows, KeyReader& reader, const SeeStream& behind_layer = {}) const;
  void add_readout(BasePasses& base, const at::Tensor& readout_BTD, bool keep) const;
  void halt_positions(BasePasses& base) const;  ///< needs the streams of all passes
  at::Tensor read_out(Stream stream, const RowSet& rows, KeyReader& reader) const;
  at::Tensor read_out_all(Stream stream, const BasePasses& base) const;
  /// The base passes of rows whose x0 is in `base`, laid out as that.
  void run_base_passes(BasePasses& base, const RowSet& rows, KeepOptions keep, PassRun run,
                       const BaseReaders& readers) const;
  RefinedRows refine_picked(const BasePasses& base, const RowSelection& picked,
                            RefineOptions options) const;
  /// `rows` are all of which `base` speaks. The readers outlive the call; that of the coda is not
  /// asked where it runs once.
  RefinedRows run_refinement(const BasePasses& base, const RowSet& rows, const RowSelection& picked,
                             CodaRun coda_run, KeyReader& core, KeyReader& coda) const;
  HaltedStates halted_states(const BasePasses& base, const RowSet& rows) const;
  void require_refinable(RefineOptions options) const;
  void require_keys(const BasePasses& base, RefineOptions options) const;
  friend class Decoder;  // runs the same passes on keys of its own

  ModelOptions options_;
  PassPlan plan_;
  std::shared_ptr<Weights> weights_;
};

}  // namespace reprise
