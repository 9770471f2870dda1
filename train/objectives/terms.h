// Terms added to the primary loss, each with a weight; at weight 0 a term is not made and costs
// nothing. Numbers as in docs/training.md.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/options.h"
#include "train/pass_reader.h"

namespace reprise {

struct TermOptions {
  double monotone = 0, monotone_margin = 0;
  int64_t shortcut_pass = 1;
  double shortcut_loss = 0, shortcut_state = 0, shortcut_kl = 0;
  double norm_change = 0, balance = 0;

  template <class Visitor>
  void visit(Visitor&& field) {
    field("monotone", monotone, "",
          "weight of what each pass loses against the one before it; 0: off");
    field("monotone-margin", monotone_margin, "nats",
          "monotone: by which each pass shall be better than the one before it");
    field("shortcut-pass", shortcut_pass, "passes",
          "shortcut terms: the early pass that imitates the last; counted from 1");
    field("shortcut-loss", shortcut_loss, "", "weight of the early pass's cross-entropy; 0: off");
    field("shortcut-state", shortcut_state, "",
          "weight of the squared distance of its state to that of the last pass; 0: off");
    field("shortcut-kl", shortcut_kl, "",
          "weight of the divergence of its predictions from those of the last pass; 0: off");
    field("norm-change", norm_change, "",
          "weight of the squared change of the state's root mean square per pass; 0: off");
    field("balance", balance, "",
          "moe: weight of how far routers are from taking all experts alike; 0: off");
  }
  bool compares_predictions() const { return monotone > 0 || shortcut_loss > 0 || shortcut_kl > 0; }
  bool compares_passes() const {
    return compares_predictions() || shortcut_state > 0 || norm_change > 0;
  }
};

/// Throws kUsage, in one line; `most` is that of the steps' passes.
void validate(const TermOptions& options, const ModelOptions& model, int64_t most);

class Term {
 public:
  explicit Term(double weight) : weight_(weight) {}
  virtual ~Term() = default;
  double weight() const { return weight_; }
  virtual std::string name() const = 0;
  /// Whether a step of this depth has the passes the term compares.
  virtual bool applies(const StepDepth& depth) const = 0;
  virtual PassUse use(const StepDepth& depth) const = 0;
  /// Summed over the tokens, not weighted.
  virtual at::Tensor sum(PassReader& passes) const = 0;

 private:
  double weight_;
};

std::vector<std::unique_ptr<Term>> make_terms(const TermOptions& options,
                                              const ModelOptions& model);

}  // namespace reprise
