// A tiny model with a batch, and what an objective makes of it.
#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/models/tiny_models.h"
#include "train/objective.h"

namespace reprise::test {

struct Case {
  explicit Case(const ModelOptions& options, at::ScalarType type = at::kDouble)
      : model(options), parameters(lively_parameters(options, type)), type_(type) {}
  Network network() const { return Network(model, parameters, type_); }
  /// One parameter of each kind: tests/models checks that all of them get gradients.
  std::vector<at::Tensor> some_leaves() const {
    return {parameters["layer.0.mix"], parameters["layer.1.attention.gain"],
            parameters["layer.1.attention.key"], parameters["layer.2.mlp.scale"]};
  }
  Batch batch() const { return {some_tokens(model, 2, 6, 1), some_tokens(model, 2, 6, 2)}; }

  ModelOptions model;
  Parameters parameters;

 private:
  at::ScalarType type_;
};

inline constexpr uint64_t kSeed = 1;

/// Step `percent` of 100.
inline Loss loss_of(const ObjectiveOptions& options, const Case& with, int64_t percent = 0) {
  const auto objective = make_objective(options, with.model, kSeed);
  return objective->loss(with.network(), with.parameters, with.batch(), {percent, 100});
}

inline double part_of(const ObjectiveOptions& options, const Case& with, const std::string& name,
                      int64_t percent = 0) {
  const auto names = make_objective(options, with.model, kSeed)->parts({percent, 100});
  const auto at = std::ranges::find(names, name) - names.begin();
  return loss_of(options, with, percent).parts.at(static_cast<size_t>(at)).nats.item<double>();
}

inline std::string complaint(const ObjectiveOptions& options, const ModelOptions& model) {
  try {
    validate(options, model);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    return error.what();
  }
  return "";
}

inline double nats_of_pass(const Case& with, int64_t pass) {
  const Network network = with.network();
  const BasePasses base = network.base_passes(with.batch().inputs_BT, {.all_passes = true});
  return network.cross_entropy(network.readout(base, pass), with.batch().targets_BT)
      .sum()
      .item<double>();
}

inline ObjectiveOptions gated(double share, double kappa, KeyRule rule = KeyRule::kCoarse) {
  ObjectiveOptions options;
  options.kind = ObjectiveKind::kGatedRefinement;
  options.refinement = {share, kappa, rule};
  return options;
}

}  // namespace reprise::test
