#include "train/start.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "tests/models/tiny_models.h"
#include "tests/support/temporary_folder.h"
#include "train/tensor_file.h"

namespace reprise {
namespace {

using test::lively_parameters;
using test::relative_difference;
using testing::HasSubstr;

class StartTest : public testing::Test {
 protected:
  /// As training leaves it.
  ModelFile trained(const ModelOptions& options, const Parameters& parameters) const {
    std::vector<NamedTensor> weights;
    for (const auto& parameter : parameters.list())
      weights.push_back({parameter.name, parameter.tensor});
    ModelOptions copy = options;
    const nlohmann::json config = OptionSet("", "").add("model", copy).resolved();
    const HostArrays arrays(weights);
    write_model(folder_.path(), arrays.views(), {{"config", config}, {"tokenizer_sha256", "none"}});
    return ModelFile(folder_.path());
  }

  TemporaryFolder folder_;
};

/// Six layers: one, twice the two of a core, one.
ModelOptions unshared() {
  ModelOptions options = test::tiny_static();
  options.core = 4;
  return options;
}

ModelOptions relaxed(int64_t rank) {
  ModelOptions options = unshared();
  options.family = Family::kRelaxed;
  options.core = options.passes = 2;
  options.lora_rank = rank;
  return options;
}

at::Tensor logits_of(const ModelOptions& options, const Parameters& parameters) {
  const Network network(options, parameters, at::kFloat);
  return network.logits(network.base_passes(test::some_tokens(options, 2, 6)).features_BTD);
}

TEST_F(StartTest, AtFullRankARelaxedModelPredictsAsItsUnsharedParent) {
  const Parameters parent = lively_parameters(unshared(), at::kFloat);
  const ModelFile file = trained(unshared(), parent);
  const auto distance_at = [&](int64_t rank) {
    Parameters child(relaxed(rank), 5);
    start_from(file, relaxed(rank), child);
    return (logits_of(relaxed(rank), child) - logits_of(unshared(), parent))
        .abs()
        .max()
        .item<double>();
  };
  EXPECT_LT(distance_at(8), 1e-4);
  EXPECT_GT(distance_at(7), 1e-2) << "the width's rank is needed for that";
}

TEST_F(StartTest, SharesTheMeanAndLeavesTheRestToEachPass) {
  const Parameters parent = lively_parameters(unshared(), at::kFloat);
  Parameters child(relaxed(8), 5);
  start_from(trained(unshared(), parent), relaxed(8), child);
  // Layer 2 of the child, the second of its core, stands for layers 2 and 4.
  const std::string up = "layer.2.mlp.up";
  const at::Tensor mean = (parent["layer.2.mlp.up"] + parent["layer.4.mlp.up"]) / 2;
  EXPECT_LT(relative_difference(child[up], mean), 1e-6);
  for (const int64_t pass : {0, 1}) {
    const std::string change = change_name(up, pass), own = concat("layer.", 2 + 2 * pass, ".");
    EXPECT_LT(
        relative_difference(child[up] + at::mm(child[change + ".up"], child[change + ".down"]),
                            parent[own + "mlp.up"]),
        1e-5);
    EXPECT_TRUE(at::equal(child[own_scalar_name(2, pass, "attention.gain")],
                          parent[own + "attention.gain"]));
  }
  EXPECT_TRUE(at::equal(child["layer.0.mlp.up"], parent["layer.0.mlp.up"]));
  EXPECT_TRUE(at::equal(child["layer.3.mlp.up"], parent["layer.5.mlp.up"]));
  EXPECT_TRUE(at::equal(child["embedding"], parent["embedding"]));
}

TEST_F(StartTest, ARecurrentModelTakesTheMeanOfScalarsToo) {
  const Parameters parent = lively_parameters(unshared(), at::kFloat);
  ModelOptions options = relaxed(0);
  options.family = Family::kRecurrent;
  options.film = true;  // which the parent has not: the identity stays
  Parameters child(options, 5);
  start_from(trained(unshared(), parent), options, child);
  const at::Tensor mean = (parent["layer.1.mix"] + parent["layer.3.mix"]) / 2;
  EXPECT_LT(relative_difference(child["layer.1.mix"], mean), 1e-6);
  EXPECT_TRUE(at::equal(child["pass.scale"], at::ones({2, 8})));
}

TEST_F(StartTest, ARecurrentModelWithChangesTakesThemOfItsMatricesAlone) {
  const Parameters parent = lively_parameters(unshared(), at::kFloat);
  ModelOptions options = relaxed(8);
  options.family = Family::kRecurrent;
  options.readout = Readout::kSum;  // which changes no weight
  Parameters child(options, 5);
  start_from(trained(unshared(), parent), options, child);
  const std::string change = change_name("layer.1.mlp.up", 1);
  EXPECT_LT(relative_difference(
                child["layer.1.mlp.up"] + at::mm(child[change + ".up"], child[change + ".down"]),
                parent["layer.3.mlp.up"]),
            1e-5);
  EXPECT_LT(relative_difference(
                child["layer.1.attention.gain"],
                (parent["layer.1.attention.gain"] + parent["layer.3.attention.gain"]) / 2),
            1e-6);
}

TEST_F(StartTest, AModelOfTheSameShapeGivesItsWeights) {
  ModelOptions options = test::tiny_moe_attention();
  const Parameters parent = lively_parameters(options, at::kFloat);
  const ModelFile file = trained(options, parent);
  options.context = 4;  // which changes no weight
  Parameters child(options, 5);
  start_from(file, options, child);
  for (const Parameter& parameter : parent.list())
    EXPECT_TRUE(at::equal(child[parameter.name], parameter.tensor)) << parameter.name;
}

std::string complaint(const ModelOptions& model, const ModelOptions& given) {
  try {
    require_start(model, given);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    return error.what();
  }
  return "";
}

TEST_F(StartTest, RefusesModelsThatDoNotFit) {
  EXPECT_EQ(complaint(relaxed(2), unshared()), "");
  EXPECT_THAT(complaint(unshared(), relaxed(2)),
              HasSubstr("train.start-from: a relaxed model gives its weights to one of the same "
                        "shape"));
  EXPECT_THAT(complaint(test::tiny_moe(), unshared()), HasSubstr("model.family is moe"));
  ModelOptions other = unshared();
  other.mlp_ratio = 3;
  EXPECT_THAT(complaint(relaxed(2), other),
              HasSubstr("model.mlp-ratio is 2, but 3 in the model to start from"));
  other = unshared();
  other.coda = 2;
  EXPECT_THAT(complaint(relaxed(2), other), HasSubstr("has 7 layers; this one stands for 6"));
  other.skips = true;
  EXPECT_THAT(complaint(relaxed(2), other), HasSubstr("model.skips"));
}

TEST(LowRankTest, ByHand) {
  // Singular values 3 and 1 along the axes.
  const at::Tensor matrix = at::tensor({0.0, 3.0, 1.0, 0.0}, at::kDouble).view({2, 2});
  const LowRank one = low_rank(matrix, 1), whole = low_rank(matrix, 5);
  EXPECT_LT(relative_difference(at::mm(one.up_RK, one.down_KC),
                                at::tensor({0.0, 3.0, 0.0, 0.0}, at::kDouble).view({2, 2})),
            1e-14);
  EXPECT_LT(relative_difference(at::mm(whole.up_RK, whole.down_KC), matrix), 1e-14);
  EXPECT_EQ(whole.up_RK.size(1), 2);
}

}  // namespace
}  // namespace reprise
