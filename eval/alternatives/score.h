// Every arm on the test split: nats of every document.
#pragma once

#include "eval/alternatives/arms.h"
#include "eval/document_sums.h"

namespace reprise {

/// The networks the arms read. The second one is null where no arm asks for it.
struct ArmNetworks {
  const SecondLook& own;
  const Network* second = nullptr;
  uint64_t seed = 1;  ///< of the noise
};

/// Features of the scored rows by source of the plan, [N, D] each.
std::vector<at::Tensor> source_features(const ArmPlan& plan, const ArmNetworks& networks,
                                        const ScoringBatch& batch, const LookedAt& seen);

/// By arm, nats of each scored row: what each says of `targets_N`, given the same rows.
std::vector<std::vector<double>> arm_nats(const ArmPlan& plan, const ArmNetworks& networks,
                                          const std::vector<at::Tensor>& features,
                                          const std::vector<uint8_t>& picked,
                                          const at::Tensor& targets_N);

struct ArmScores {
  std::vector<DocumentScores> arms;  ///< by arm of the plan, in the order of the split
  int64_t tokens = 0;
  PassWork work, gated;  ///< nominal: what a decoder does for all of them, and for the picked
};

/// Collective; the same bits on any number of ranks. Throws kBadInput where nats are not finite, or
/// the split has fewer than two documents.
ArmScores score_arms(const ArmPlan& plan, const ArmNetworks& networks, const Corpus& corpus,
                     const ScoringOptions& scoring, const UnitOptions& windows, Communicator& comm);

}  // namespace reprise
