#include "models/calibration/window_use.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "base/error.h"
#include "models/uncertainty.h"

namespace reprise {
namespace {

std::vector<at::Tensor> leaves_of(const Parameters& parameters) {
  std::vector<at::Tensor> leaves;
  std::ranges::transform(parameters.list(), std::back_inserter(leaves),
                         [](const Parameter& parameter) { return parameter.tensor; });
  return leaves;
}

/// The factors of the change that was added to the matrix, where it has changes.
std::string change_factor(const ProductUse& use, const char* factor) {
  return change_name(use.matrix, use.pass) + factor;
}

/// x^T x of rows that several matrices in turn were applied to, made once.
class LastGram {
 public:
  const at::Tensor& of(const at::Tensor& inputs_MC) {
    if (!gram_CC_.defined() || inputs_MC.const_data_ptr() != inputs_MC_.const_data_ptr() ||
        inputs_MC.sizes() != inputs_MC_.sizes()) {
      inputs_MC_ = inputs_MC;  // kept, so that no other tensor comes to lie where it lies
      gram_CC_ = gram(inputs_MC);
    }
    return gram_CC_;
  }

 private:
  at::Tensor inputs_MC_, gram_CC_;
};

}  // namespace

WindowUse::WindowUse(const ModelOptions& options, const Parameters& parameters,
                     UsedRefinement refinement)
    : options_(options),
      parameters_(parameters),
      compute_(parameters.list().front().tensor.scalar_type()),
      refinement_(refinement),
      layout_(parameters.list(), multiplied()) {}

/// Asked of the network itself, by running it on a token.
std::set<std::string> WindowUse::multiplied() const {
  const torch::autograd::AutoGradMode no_graph(false);
  ProductLog log;
  const Network network(options_, parameters_, compute_, &log);
  const at::Tensor token_BT = at::zeros({1, 1}, at::kLong);
  (void)network.cross_entropy(network.base_passes(token_BT).features_BTD, token_BT);
  std::set<std::string> names, known;
  for (const Parameter& parameter : parameters_.list()) known.insert(parameter.name);
  for (const ProductUse& use : log) {
    names.insert(use.matrix);
    for (const char* factor : {".down", ".up"})
      if (known.contains(change_factor(use, factor))) names.insert(change_factor(use, factor));
  }
  return names;
}

at::Tensor WindowUse::uncertain_rows(const at::Tensor& features_BTD) const {
  const torch::autograd::AutoGradMode no_graph(false);
  // Through a network that records nothing: the choice is made again by whoever refines.
  const Network network(options_, parameters_, compute_);
  const double one_row = 1 / static_cast<double>(features_BTD.size(1));
  return pick_most_uncertain(entropy_nats(network.logits(features_BTD)),
                             std::max(refinement_.share, one_row));
}

at::Tensor WindowUse::loss(const at::Tensor& tokens_BT, ProductLog& log) const {
  const int64_t length = tokens_BT.size(1) - 1;
  const at::Tensor targets_BT = tokens_BT.narrow(1, 1, length);
  const Network network(options_, parameters_, compute_, &log);
  const bool refines = refinement_.share > 0;
  const BasePasses base = network.base_passes(tokens_BT.narrow(1, 0, length), {.keys = refines});
  const at::Tensor coarse = network.cross_entropy(base.features_BTD, targets_BT).sum();
  if (!refines) return coarse;
  const at::Tensor rows_M = uncertain_rows(base.features_BTD);
  const at::Tensor targets_M = targets_BT.flatten().index_select(0, rows_M);
  const at::Tensor refined_MD = network.refine_rows(base, rows_M, refinement_.rule);
  return coarse + network.cross_entropy(refined_MD, targets_M).sum();
}

void WindowUse::add(const at::Tensor& tokens_BT, std::span<double> sums) const {
  const torch::autograd::AutoGradMode graph(true);
  ProductLog log;
  const at::Tensor loss_nats = loss(tokens_BT, log);
  require(std::isfinite(loss_nats.item<double>()), ExitCode::kBadInput,
          "the model's loss on train text is not finite; train it again, or pack an earlier one");
  const torch::autograd::variable_list gradients =
      torch::autograd::grad({loss_nats}, leaves_of(parameters_), {}, /*retain_graph=*/false,
                            /*create_graph=*/false, /*allow_unused=*/true);
  for (size_t i = 0; i < gradients.size(); ++i)
    if (gradients[i].defined()) add_gradient(layout_.tensors()[i], gradients[i], sums);
  const torch::autograd::AutoGradMode no_graph(false);
  add_products(log, sums);
}

void WindowUse::add_products(const ProductLog& log, std::span<double> sums) const {
  LastGram last;
  const auto add = [&](const std::string& matrix, const at::Tensor& inputs_MC) {
    if (inputs_MC.size(0) > 0)
      add_gram(layout_[matrix], last.of(inputs_MC), inputs_MC.size(0), sums);
  };
  for (const ProductUse& use : log) {
    add(use.matrix, use.inputs_MC);
    const std::string down = change_factor(use, ".down");
    if (!layout_.multiplies(down)) continue;
    add(down, use.inputs_MC);  // (W + up down) x = W x + up (down x)
    add(change_factor(use, ".up"), at::mm(use.inputs_MC, parameters_[down].to(compute_).t()));
  }
}

}  // namespace reprise
