// Floating-point operations of the passes, a multiply-add counted as two. They follow from the pass
// plan and from the shapes of the layers' matrices; docs/cost.md gives the equations.
//
// Nominal work is what a decoder that keeps its keys would do: each scored token once, attending to
// the positions before it. Executed work is what ran: padding, context that overlapping windows
// compute again, keys masked out.
#pragma once

#include "models/key_rule.h"
#include "models/options.h"
#include "models/pass_plan.h"

namespace reprise {

struct PassRun;

/// Positions that went through the layers, keys they attended to (summed over positions), rows that
/// were read out.
struct PassWork {
  double positions = 0, keys = 0, readouts = 0;
  PassWork& operator+=(const PassWork& other);
  /// Of this share of the positions.
  PassWork share(double share) const { return {share * positions, share * keys, share * readouts}; }
};

/// Under what a refinement pass runs. How many keys its positions attend to is part of PassWork
/// (seen_keys).
struct RuleWork {
  KeyRule rule = KeyRule::kCoarse;
  double halted = 0;  ///< kCopyState: positions that do not take part, of whose states the core
                      ///< makes keys
};

/// Of keys of every position up to a refined one, and of those that are refined too: what it
/// attends to.
double seen_keys(KeyRule rule, double every, double refined);

/// One sequence position, with the keys a causal one has on average, read out once.
PassWork mean_position(const ModelOptions& model);

/// One layer, forward.
struct LayerFlops {
  double position = 0;      ///< each: products with all matrices but those of keys and values
  double key_position = 0;  ///< each that makes its key and value
  double key = 0;           ///< each key a position attends to: its score, and its value's share
  double binding = 0;       ///< once for a network and pass: products of weights with weights
};

/// Forward, and backward in which every product has two: with the weights and with what they were
/// multiplied by. `again` is what backward runs a second time instead of keeping it: the logits of
/// a cross-entropy. Attention's kernels also make their scores again (docs/cost.md).
struct StepFlops {
  double forward = 0, backward = 0, again = 0;
  StepFlops& operator+=(const StepFlops& other);
  double sum() const { return forward + backward; }
};

/// Of one model: reads its plan and its shapes once.
class PassFlops {
 public:
  explicit PassFlops(const ModelOptions& model);

  /// Prelude, every base pass, coda (behind each pass where readouts are summed), halting and head.
  double base(const PassWork& work) const;
  /// Coda and head over the hidden state of an earlier pass; the head alone where readouts are
  /// summed, since the coda has run.
  double readout(const PassWork& work) const;
  /// One pass of core and coda, and the head; under kCoarse no key or value is projected.
  double refinement(const PassWork& work, const RuleWork& rule = {}) const;
  /// Of that the core alone: where the coda runs once, behind all refinement.
  double core_refinement(const PassWork& work, const RuleWork& rule = {}) const;
  /// The head alone.
  double head(const PassWork& work) const;

  /// The base passes and the loss of their last readout, backward through those of `run` that have
  /// a graph.
  StepFlops training(const PassWork& work, const PassRun& run) const;
  /// The readout of an earlier pass, and its loss.
  StepFlops training_of_readout(const PassWork& work) const;
  /// A refinement pass and its loss.
  StepFlops training_of_refinement(const PassWork& work, const RuleWork& rule = {}) const;
  /// What a network does to its weights before any position runs, and backward.
  StepFlops binding(const PassRun& run) const;

 private:
  enum class Keys { kMade, kRead };
  static Keys keys_under(const RuleWork& rule);
  double layers(const LayerRange& range, const PassWork& work, Keys keys) const;
  double pass(const CorePass& pass, const PassWork& work, Keys keys) const;
  double coda(const PassWork& work) const;
  /// Of the layers that do, or do not, differ by pass.
  double binding_of(const LayerRange& range, bool differ) const;
  StepFlops with_loss(double forward, const PassWork& work) const;

  ModelOptions model_;
  PassPlan plan_;
  std::vector<LayerFlops> layers_;
  double embedding_ = 0, pass_begin_ = 0, halting_ = 0;  ///< each position
  double logits_ = 0, head_ = 0;  ///< each readout; head_ is logits and what feeds them
};

double base_flops(const ModelOptions& model, const PassWork& work);
double readout_flops(const ModelOptions& model, const PassWork& work);
double refinement_flops(const ModelOptions& model, const PassWork& work);

}  // namespace reprise
