// The states of a model that are compared: after the base passes, with every position refined, and
// with those that a gate picks.
#pragma once

#include <memory>
#include <optional>

#include "eval/alternatives/fit_sample.h"
#include "eval/depths.h"
#include "eval/signal_reader.h"
#include "models/network.h"

namespace reprise {

/// Index of a state; the last one only where there is a gate.
enum State : size_t { kNoneState, kAllState, kGatedState };

/// A batch as far as every arm needs it.
struct LookedAt {
  BasePasses base;
  RefinedRows all;           ///< every row
  StoredRows rows;           ///< of the scored ones: features by State, targets, what was picked
  PassWork refined_by_gate;  ///< what a decoder would do for the scored rows that it picks
};

class SecondLook {
 public:
  /// `network` outlives this. Without a gate nothing is picked and there is no kGatedState.
  SecondLook(const Network& network, std::shared_ptr<const Gate> gate, KeyRule rule,
             std::shared_ptr<const StoredHead> head = nullptr);

  /// Batches of a unit in their order, with the same `depths`.
  LookedAt look(const ScoringBatch& batch, Depths& depths) const;

  /// What a gate took beside the coarse prediction; there is one.
  double gate_flops(const PassFlops& flops, const PassWork& work) const {
    return signals_->flops(flops, work);
  }

  bool has_gate() const { return gate_ != nullptr; }
  KeyRule rule() const { return rule_; }
  const Network& network() const { return network_; }

 private:
  void refine_picked(const ScoringBatch& batch, Depths& depths, LookedAt& seen) const;
  std::vector<uint8_t> decide(const BasePasses& base, const ScoringBatch& batch,
                              Depths& depths) const;

  const Network& network_;
  std::shared_ptr<const Gate> gate_;
  KeyRule rule_;
  std::optional<SignalReader> signals_;  ///< where there is a gate
};

/// The scored rows of a batch: [B, T, D] or [B * T, D] -> [N, D].
at::Tensor scored_features(const at::Tensor& features, const ScoringBatch& batch);

}  // namespace reprise
