#include "train/objectives/terms.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "models/experts.h"
#include "train/losses.h"
#include "train/objectives/expert_load.h"

namespace reprise {
namespace {

constexpr double kLargestWeight = 1e6;

/// The first pass that has a graph and one before it.
int64_t first_compared(const StepDepth& depth) {
  return std::max<int64_t>(1, depth.first_with_graph());
}

double mean_over(const StepDepth& depth) {
  return static_cast<double>(depth.passes - first_compared(depth));
}

class Monotone final : public Term {
 public:
  Monotone(double weight, double margin) : Term(weight), margin_(margin) {}
  std::string name() const override { return "monotone"; }
  bool applies(const StepDepth& depth) const override { return depth.passes >= 2; }
  PassUse use(const StepDepth& depth) const override {
    PassUse use;
    for (int64_t pass = first_compared(depth); pass < depth.passes; ++pass)
      use.readouts.insert(pass - 1);
    return use;
  }
  at::Tensor sum(PassReader& passes) const override {
    at::Tensor sum;
    for (int64_t pass = first_compared(passes.depth()); pass <= passes.last(); ++pass) {
      const at::Tensor worse = monotone(passes.nats_BT(pass - 1), passes.nats_BT(pass), margin_);
      sum = sum.defined() ? sum + worse : worse;
    }
    return sum / mean_over(passes.depth());
  }

 private:
  double margin_;
};

class NormChange final : public Term {
 public:
  using Term::Term;
  std::string name() const override { return "norm_change"; }
  bool applies(const StepDepth& depth) const override { return depth.passes >= 2; }
  PassUse use(const StepDepth&) const override { return {.states = true}; }
  at::Tensor sum(PassReader& passes) const override {
    at::Tensor sum;
    for (int64_t pass = first_compared(passes.depth()); pass <= passes.last(); ++pass) {
      const at::Tensor change = norm_change(passes.state_MD(pass - 1), passes.state_MD(pass));
      sum = sum.defined() ? sum + change : change;
    }
    return sum / mean_over(passes.depth());
  }
};

/// The early pass (from 0) against the last.
class Shortcut : public Term {
 public:
  Shortcut(double weight, int64_t pass) : Term(weight), pass_(pass) {}
  bool applies(const StepDepth& depth) const override {
    return pass_ + 1 < depth.passes && pass_ >= depth.first_with_graph();
  }

 protected:
  int64_t pass_;
};

class ShortcutLoss final : public Shortcut {
 public:
  using Shortcut::Shortcut;
  std::string name() const override { return "shortcut"; }
  PassUse use(const StepDepth&) const override { return {.readouts = {pass_}}; }
  at::Tensor sum(PassReader& passes) const override { return passes.nats_BT(pass_).sum(); }
};

class ShortcutState final : public Shortcut {
 public:
  using Shortcut::Shortcut;
  std::string name() const override { return "shortcut_state"; }
  PassUse use(const StepDepth&) const override { return {.states = true}; }
  at::Tensor sum(PassReader& passes) const override {
    return state_distance(passes.state_MD(passes.last()), passes.state_MD(pass_));
  }
};

class ShortcutKl final : public Shortcut {
 public:
  ShortcutKl(double weight, int64_t pass, const ModelOptions& model)
      : Shortcut(weight, pass), head_flops_(PassFlops(model).head(mean_position(model))) {}
  std::string name() const override { return "shortcut_kl"; }
  PassUse use(const StepDepth&) const override {
    // The head once more over the last pass, without a graph, and over the early one.
    return {.readouts = {pass_}, .flops = {2 * head_flops_, 2 * head_flops_, 0}};
  }
  at::Tensor sum(PassReader& passes) const override {
    const at::Tensor &last_BTD = passes.features_BTD(passes.last()),
                     &early_BTD = passes.features_BTD(pass_);
    at::Tensor sum;
    for (int64_t b = 0; b < last_BTD.size(0); ++b) {
      const Network& network = passes.network();
      const at::Tensor divergence =
          prediction_distance(network.logits(last_BTD[b].detach()), network.logits(early_BTD[b]));
      sum = sum.defined() ? sum + divergence : divergence;
    }
    return sum;
  }

 private:
  double head_flops_;
};

void weight_in_range(double weight, const char* name) {
  require(0 <= weight && weight <= kLargestWeight, ExitCode::kUsage, "train.", name, " is ", weight,
          "; it must be from 0 to ", kLargestWeight);
}

}  // namespace

void validate(const TermOptions& options, const ModelOptions& model, int64_t most) {
  weight_in_range(options.monotone, "monotone");
  weight_in_range(options.monotone_margin, "monotone-margin");
  weight_in_range(options.shortcut_loss, "shortcut-loss");
  weight_in_range(options.shortcut_state, "shortcut-state");
  weight_in_range(options.shortcut_kl, "shortcut-kl");
  weight_in_range(options.norm_change, "norm-change");
  weight_in_range(options.balance, "balance");
  require(options.balance == 0 || !router_places(model).empty(), ExitCode::kUsage,
          "train.balance spreads tokens over experts; the ", enum_name(model.family),
          " family has none");
  require(options.shortcut_pass >= 1, ExitCode::kUsage, "train.shortcut-pass is ",
          options.shortcut_pass, "; passes count from 1");
  require(!options.compares_passes() || most >= 2, ExitCode::kUsage,
          "train.monotone, train.shortcut-... and train.norm-change compare passes; the ",
          enum_name(model.family), " model runs one");
  const bool shortcut =
      options.shortcut_loss > 0 || options.shortcut_state > 0 || options.shortcut_kl > 0;
  require(!shortcut || options.shortcut_pass < most, ExitCode::kUsage, "train.shortcut-pass ",
          options.shortcut_pass, " lies not before the last of ", most, " passes");
}

std::vector<std::unique_ptr<Term>> make_terms(const TermOptions& options,
                                              const ModelOptions& model) {
  const int64_t early = options.shortcut_pass - 1;
  std::vector<std::unique_ptr<Term>> terms;
  if (options.monotone > 0)
    terms.push_back(std::make_unique<Monotone>(options.monotone, options.monotone_margin));
  if (options.shortcut_loss > 0)
    terms.push_back(std::make_unique<ShortcutLoss>(options.shortcut_loss, early));
  if (options.shortcut_state > 0)
    terms.push_back(std::make_unique<ShortcutState>(options.shortcut_state, early));
  if (options.shortcut_kl > 0)
    terms.push_back(std::make_unique<ShortcutKl>(options.shortcut_kl, early, model));
  if (options.norm_change > 0) terms.push_back(std::make_unique<NormChange>(options.norm_change));
  if (options.balance > 0) terms.push_back(make_balance(options.balance));
  return terms;
}

}  // namespace reprise
