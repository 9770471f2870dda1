#include "train/objectives/expert_load.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "models/experts.h"

namespace reprise {
namespace {

class Balance final : public Term {
 public:
  using Term::Term;
  std::string name() const override { return "balance"; }
  bool applies(const StepDepth&) const override { return true; }
  PassUse use(const StepDepth&) const override { return {.routers = true}; }
  at::Tensor sum(PassReader& passes) const override {
    at::Tensor sum;
    double routers = 0;
    for (const RouterUse& router : passes.base().routers) {
      if (at::GradMode::is_enabled() && !router.logits_MSX.requires_grad()) continue;
      const at::Tensor part = choice_imbalance(router.logits_MSX, passes.batch().inputs_BT.size(0));
      sum = sum.defined() ? sum + part : part;
      ++routers;
    }
    return sum / routers;
  }
};

}  // namespace

at::Tensor choice_imbalance(const at::Tensor& logits_MSX, int64_t sequences) {
  const at::Tensor choice_BTSX = logits_MSX.softmax(-1).unflatten(0, {sequences, -1});
  const at::Tensor mean_BSX = choice_BTSX.mean(1);
  const at::Tensor missing_BS =
      at::xlogy(mean_BSX, mean_BSX).sum(-1) + std::log(static_cast<double>(logits_MSX.size(2)));
  return missing_BS.mean(1).sum() * static_cast<double>(choice_BTSX.size(1));
}

std::unique_ptr<Term> make_balance(double weight) { return std::make_unique<Balance>(weight); }

std::vector<std::string> load_names(const ModelOptions& model) {
  std::vector<std::string> names;
  for (const RouterPlace& router : router_places(model))
    for (int64_t expert = 0; expert < router.experts; ++expert)
      names.push_back(concat("load.", router.layer, ".", router.place, ".", expert));
  return names;
}

std::vector<LossPart> load_parts(const ModelOptions& model, const RouterLog& routers) {
  std::vector<LossPart> parts;
  for (const RouterPlace& place : router_places(model)) {
    at::Tensor counts_X;
    int64_t choices = 0;
    for (const RouterUse& router : routers) {
      if (router.layer != place.layer || router.place != place.place) continue;
      const at::Tensor chosen = router.chosen_MSK.flatten();
      const at::Tensor counts = at::bincount(chosen, {}, place.experts).to(at::kDouble);
      counts_X = counts_X.defined() ? counts_X + counts : counts;
      choices += chosen.numel();
    }
    for (int64_t expert = 0; expert < place.experts; ++expert)
      parts.push_back({counts_X[expert], choices});
  }
  return parts;
}

}  // namespace reprise
