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
// Rule `coarse` (docs/refinement.md): a refined position's queries read the keys and values the
// last base pass left, at every core and coda layer; it writes none. So refined rows depend on
// their own hidden state and on those keys only, and the sparse pass equals the masked-dense one.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <vector>

#include "models/layer_stack.h"
#include "models/product_log.h"

namespace reprise {

struct KeepOptions {
  bool keys = false;        ///< keep what refine_* needs
  bool all_passes = false;  ///< keep the hidden state after every base pass, not only the last
  bool routers = false;     ///< keep what the routers of experts decided in the base passes
};

/// Which base passes run, and which of them autograd records.
struct PassRun {
  int64_t passes = 0;  ///< how many; 0: as the plan has. Those behind its last repeat that one
  int64_t graph_passes = 0;  ///< backward goes through so many of the last; 0: through all
};

/// The state after the base passes. "Coarse" is what the coda reads and a refinement pass begins
/// with: the last pass, or where the model halts what that came to.
struct BasePasses {
  int64_t passes = 0;                ///< that ran
  at::Tensor embedded_BTD;           ///< x0, mixed into every layer
  at::Tensor entered_MD;             ///< what entered the core, where passes see it again
  std::vector<Stream> streams_P;     ///< before the coda; the last pass only unless all_passes
  Stream coarse;                     ///< one of those, without halting
  at::Tensor halt_scores_QM;         ///< halting.h; undefined where the model does not halt
  at::Tensor exits_M;                ///< Halting::kExit: the pass of each position, from 1
  std::vector<LayerKeys> core_keys;  ///< of the last base pass, one per layer; empty unless keys
  std::vector<LayerKeys> coda_keys;  ///< the same of the coda
  std::vector<at::Tensor> sums_P;    ///< Readout::kSum: features after each pass, if all_passes
  at::Tensor features_BTD;           ///< coarse readout: coda, final norm; or the sum over passes
  RouterLog routers;                 ///< in the order in which they ran; empty unless routers
};

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

  /// One refinement pass under the rule `coarse`, three ways. All return readouts (coda run again,
  /// final norm; with Readout::kSum added to the coarse ones).
  at::Tensor refine_all(const BasePasses& base) const;  ///< every position, dense: features_BTD
  /// Gathered rows, b * T + t, ascending: features_MD.
  at::Tensor refine_rows(const BasePasses& base, const at::Tensor& rows_M) const;
  /// The reference: computed everywhere, kept where the mask is true: features_BTD.
  at::Tensor refine_masked(const BasePasses& base, const at::Tensor& mask_BT) const;

  at::Tensor logits(const at::Tensor& features) const;  ///< [..., D] -> softcapped fp32 [..., V]
  /// Nats of each target, [...] int64 -> [...] fp32, without keeping the logits; differentiable.
  at::Tensor cross_entropy(const at::Tensor& features, const at::Tensor& targets) const;

  const ModelOptions& options() const { return options_; }

 private:
  struct Weights;
  RowSet all_rows(const at::Tensor& embedded_BTD) const;  ///< every row of a batch
  /// A pass over the core, from interface to interface, its layers run by `layers`.
  template <class Layers>
  Stream run_pass(const CorePass& pass, Stream stream, const at::Tensor& entered_MD,
                  Layers layers) const;
  void add_readout(BasePasses& base, const at::Tensor& readout_MD, bool keep) const;
  void halt_positions(BasePasses& base) const;  ///< needs the streams of all passes
  at::Tensor read_out(Stream stream, const RowSet& rows, std::vector<LayerKeys>* kept) const;
  Stream refine_core(const BasePasses& base, const RowSet& rows, Stream stream,
                     const at::Tensor& entered_MD) const;
  at::Tensor refine(const BasePasses& base, const RowSet& rows, Stream stream,
                    const at::Tensor& entered_MD) const;

  ModelOptions options_;
  PassPlan plan_;
  std::shared_ptr<Weights> weights_;
};

}  // namespace reprise
