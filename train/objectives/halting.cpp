#include "train/objectives/halting.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "models/cost/flops.h"
#include "train/halting_losses.h"

namespace reprise {
namespace {

constexpr double kLargestPrice = 1e6;  // fp32 holds the sum of a batch's nats times this

/// A sum over the tokens, for the record.
LossPart measured(const at::Tensor& sum, const PassReader& passes) {
  return {sum.detach().to(at::kDouble), passes.batch().inputs_BT.numel()};
}

/// The model's prediction, which halts.
at::Tensor halted_nats_BT(const PassReader& passes) {
  return passes.network().cross_entropy(passes.base().features_BTD, passes.batch().targets_BT);
}

class Act final : public PrimaryLoss {
 public:
  Act(double price, int64_t floor) : price_(price), floor_(floor) {}

  PassUse use(const StepDepth&, double) const override { return {}; }
  std::vector<std::string> parts(const StepDepth&, double) const override { return {"halted"}; }
  std::vector<std::string> measures() const override {
    return {"expected_passes", "halted_passes", "ponder_cost"};
  }
  Loss loss(PassReader& passes, const at::Tensor& weights_BT, double) const override {
    const at::Tensor nats_BT = halted_nats_BT(passes);
    const Pondering pondering = ponder(passes.base().halt_scores_QM);
    const at::Tensor cost = ponder_cost(pondering, floor_);
    return {weighed(nats_BT, weights_BT).sum() + price_ * cost,
            {part_of(nats_BT)},
            {measured(expected_passes(pondering.weights, floor_), passes),
             measured((pondering.halted_M + floor_).sum(), passes), measured(cost, passes)}};
  }

 private:
  double price_;
  int64_t floor_;
};

/// The loss of each pass, weighted by the probability to halt there.
class ExpectedLoss : public PrimaryLoss {
 public:
  explicit ExpectedLoss(const ModelOptions& model) : model_(model) {}

  PassUse use(const StepDepth& depth, double) const override {
    PassUse use;
    for (int64_t pass = model_.halt_floor - 1; pass < depth.passes; ++pass)
      use.readouts.insert(pass);
    use.prediction_is_record = true;
    return use;
  }
  std::vector<std::string> parts(const StepDepth&, double) const override {
    return {"halted", "expected"};
  }
  Loss loss(PassReader& passes, const at::Tensor& weights_BT, double) const override {
    const BasePasses& base = passes.base();
    const at::Tensor log_p = log_exit_probabilities(base.halt_scores_QM);
    std::vector<at::Tensor> nats;
    for (int64_t pass = model_.halt_floor - 1; pass <= passes.last(); ++pass)
      nats.push_back(passes.nats_BT(pass));
    const at::Tensor expected_BT = expected_nats(log_p, nats), added = regularisation(log_p);
    return {weighed(expected_BT, weights_BT).sum() + weight() * added,
            {part_of(prediction_BT(passes)), part_of(expected_BT)},
            {measured(expected_passes(log_p.exp(), model_.halt_floor), passes),
             measured(base.exits_M.sum(), passes), measured(added, passes)}};
  }

 protected:
  virtual double weight() const = 0;
  /// Summed over the tokens, not weighted.
  virtual at::Tensor regularisation(const at::Tensor& log_p) const = 0;

 private:
  static at::Tensor prediction_BT(const PassReader& passes) {
    const torch::autograd::AutoGradMode no_graph(false);
    return halted_nats_BT(passes);
  }

  ModelOptions model_;
};

class PonderNet final : public ExpectedLoss {
 public:
  PonderNet(const HaltingLossOptions& options, const ModelOptions& model)
      : ExpectedLoss(model), options_(options) {}
  std::vector<std::string> measures() const override {
    return {"expected_passes", "halted_passes", "halting_divergence"};
  }

 protected:
  double weight() const override { return options_.beta; }
  at::Tensor regularisation(const at::Tensor& log_p) const override {
    return prior_divergence(log_p, options_.prior);
  }

 private:
  HaltingLossOptions options_;
};

class Ouro final : public ExpectedLoss {
 public:
  Ouro(double beta, const ModelOptions& model) : ExpectedLoss(model), beta_(beta) {}
  std::vector<std::string> measures() const override {
    return {"expected_passes", "halted_passes", "halting_entropy"};
  }

 protected:
  double weight() const override { return -beta_; }
  at::Tensor regularisation(const at::Tensor& log_p) const override {
    return halting_entropy(log_p);
  }

 private:
  double beta_;
};

}  // namespace

void validate(const HaltingLossOptions& options) {
  const auto in_range = [](double weight, const char* name) {
    require(0 <= weight && weight <= kLargestPrice, ExitCode::kUsage, "train.", name, " is ",
            weight, "; it must be from 0 to ", kLargestPrice);
  };
  in_range(options.ponder_cost, "ponder-cost");
  in_range(options.beta, "halt-beta");
  require(0 < options.prior && options.prior < 1, ExitCode::kUsage, "train.halt-prior is ",
          options.prior, "; it lies in (0, 1)");
}

Halting halting_of(ObjectiveKind kind) {
  switch (kind) {
    case ObjectiveKind::kAct:
      return Halting::kMixture;
    case ObjectiveKind::kPonderNet:
    case ObjectiveKind::kOuro:
      return Halting::kExit;
    case ObjectiveKind::kFinalOnly:
    case ObjectiveKind::kDeepSupervision:
    case ObjectiveKind::kGatedRefinement:
      break;
  }
  return Halting::kNone;
}

std::unique_ptr<PrimaryLoss> make_halting_loss(ObjectiveKind kind,
                                               const HaltingLossOptions& options,
                                               const ModelOptions& model) {
  if (kind == ObjectiveKind::kAct)
    return std::make_unique<Act>(options.ponder_cost, model.halt_floor);
  if (kind == ObjectiveKind::kPonderNet) return std::make_unique<PonderNet>(options, model);
  return std::make_unique<Ouro>(options.beta, model);
}

}  // namespace reprise
