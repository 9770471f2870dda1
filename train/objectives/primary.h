// The primary loss: what the objective makes of the predictions of a step's passes. Numbers as in
// docs/training.md.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/options.h"
#include "train/losses.h"
#include "train/pass_reader.h"

namespace reprise {

enum class ObjectiveKind {
  kFinalOnly,
  kDeepSupervision,
  kGatedRefinement,
  kAct,
  kPonderNet,
  kOuro
};
template <>
struct EnumNames<ObjectiveKind> {
  static constexpr std::array names{std::pair{ObjectiveKind::kFinalOnly, "final-only"},
                                    std::pair{ObjectiveKind::kDeepSupervision, "deep-supervision"},
                                    std::pair{ObjectiveKind::kGatedRefinement, "gated-refinement"},
                                    std::pair{ObjectiveKind::kAct, "act"},
                                    std::pair{ObjectiveKind::kPonderNet, "pondernet"},
                                    std::pair{ObjectiveKind::kOuro, "ouro"}};
};

template <>
struct EnumNames<PassWeighting> {
  static constexpr std::array names{std::pair{PassWeighting::kUniform, "uniform"},
                                    std::pair{PassWeighting::kGeometric, "geometric"},
                                    std::pair{PassWeighting::kAnnealed, "annealed"}};
};

/// A sum over some of the batch's tokens, for the record.
struct LossPart {
  at::Tensor nats;  ///< scalar, fp64, without a graph
  int64_t tokens = 0;
};

struct Loss {
  at::Tensor nats;  ///< scalar with a graph
  std::vector<LossPart> parts;
  std::vector<LossPart> measures = {};  ///< of tokens, in units of their own: passes, ...
};

LossPart part_of(const at::Tensor& nats);
/// Each token's loss by its weight; undefined weights: all alike.
at::Tensor weighed(const at::Tensor& nats, const at::Tensor& weights);

class PrimaryLoss {
 public:
  virtual ~PrimaryLoss() = default;
  virtual PassUse use(const StepDepth& depth, double progress) const = 0;
  /// The first is the model's prediction.
  virtual std::vector<std::string> parts(const StepDepth& depth, double progress) const = 0;
  /// Names of Loss::measures.
  virtual std::vector<std::string> measures() const { return {}; }
  /// `weights_BT` multiplies every token's loss, not the parts; undefined: all alike.
  virtual Loss loss(PassReader& passes, const at::Tensor& weights_BT, double progress) const = 0;
};

/// (1) the last pass.
std::unique_ptr<PrimaryLoss> make_final_only();
/// (2) over the passes that carry a graph.
std::unique_ptr<PrimaryLoss> make_deep_supervision(const PassWeights& weights);
/// (8); while recurrence is delayed no token is refined.
struct GatedRefinementOptions {
  double refine_share = 0.15;  ///< of each sequence's tokens
  double kappa = 0.5;
  KeyRule rule = KeyRule::kCoarse;
};
std::unique_ptr<PrimaryLoss> make_gated_refinement(const GatedRefinementOptions& options,
                                                   const ModelOptions& model);

}  // namespace reprise
