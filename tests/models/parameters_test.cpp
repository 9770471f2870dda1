#include "models/parameters.h"

#include <gmock/gmock.h>

#include <set>

#include "models/basis.h"
#include "tests/models/public_baseline.h"
#include "tests/models/variants.h"

namespace reprise {
namespace {

using testing::HasSubstr;

TEST(Parameters, CountThePublicBaseline) {
  ModelOptions options = test::public_baseline();
  EXPECT_EQ(element_count(options), 17'059'912);
  options.skips = false;
  EXPECT_EQ(element_count(options), 17'059'912 - 4 * 512);
}

TEST(Parameters, OfATableAndItsProjection) {
  ModelOptions options = test::tiny_static();
  const int64_t tied = element_count(options);
  options.tied = false;
  EXPECT_EQ(element_count(options), tied + 11 * 8);
  options.embedding_rank = 3;
  EXPECT_EQ(element_count(options), tied - 11 * 8 + 2 * (11 * 3 + 8 * 3));
  const Parameters parameters(options, 3);
  EXPECT_EQ(parameters["head"].abs().max().item<double>(), 0) << "all tokens start alike";
  EXPECT_GT(parameters["head.projection"].abs().max().item<double>(), 0);
}

TEST(Parameters, OfAHaltingHeadAreAScoreOfTheState) {
  ModelOptions options = test::tiny_recurrent();
  const int64_t plain = element_count(options);
  options.halting = Halting::kMixture;
  EXPECT_EQ(element_count(options), plain + 8 + 1);
}

TEST(Parameters, AreCountedWithoutBeingNamed) {
  for (const auto& [name, options] : test::variants())
    EXPECT_EQ(element_count(options), Parameters(options, 1).count()) << name;
}

TEST(Parameters, AreWhatTheShapesSay) {
  const ModelOptions options = test::tiny_recurrent();
  const Parameters parameters(options, 3);
  const auto shapes = parameter_shapes(options);
  ASSERT_EQ(shapes.size(), parameters.list().size());
  std::set<std::string> names;
  for (size_t i = 0; i < shapes.size(); ++i) {
    const Parameter& parameter = parameters.list()[i];
    EXPECT_EQ(parameter.name, shapes[i].name);
    EXPECT_EQ(parameter.role, shapes[i].role);
    EXPECT_EQ(parameter.tensor.sizes(), at::IntArrayRef(shapes[i].shape));
    EXPECT_TRUE(parameter.tensor.is_leaf() && parameter.tensor.requires_grad());
    names.insert(parameter.name);
  }
  EXPECT_EQ(names.size(), shapes.size());
}

TEST(Parameters, AreAPureFunctionOfTheSeed) {
  const ModelOptions options = test::tiny_recurrent();
  const Parameters first(options, 3), again(options, 3), other(options, 4);
  for (const Parameter& parameter : first.list())
    EXPECT_TRUE(at::equal(parameter.tensor, again[parameter.name])) << parameter.name;
  EXPECT_FALSE(at::equal(first["embedding"], other["embedding"]));
  EXPECT_FALSE(at::equal(first["layer.0.mlp.up"], first["layer.1.mlp.up"]));
}

TEST(Parameters, StartEveryLayerAsTheIdentity) {
  const Parameters parameters(test::tiny_recurrent(), 3);
  for (const char* name : {"layer.1.attention.output", "layer.1.mlp.down"})
    EXPECT_EQ(parameters[name].abs().max().item<double>(), 0) << name;
  const Parameters mixture(test::tiny_moe_attention(), 3), partial(test::tiny_partial(), 3);
  for (const char* name : {"layer.1.attention.output.expert.2", "layer.1.mlp.down.expert.0"})
    EXPECT_EQ(mixture[name].abs().max().item<double>(), 0) << name;
  for (const char* name : {"layer.1.attention.output.router", "layer.1.mlp.router"})
    EXPECT_GT(mixture[name].abs().max().item<double>(), 0) << name;
  EXPECT_EQ(partial["layer.1.mlp.down.terms"].abs().max().item<double>(), 0);
  EXPECT_TRUE(at::equal(parameters["layer.1.mix"][0], at::ones({8})));
  EXPECT_TRUE(at::equal(parameters["layer.1.mix"][1], at::zeros({8})));
}

TEST(Parameters, HaveTheSpreadTheyShould) {
  ModelOptions options;
  const Parameters parameters(options, 3);
  EXPECT_NEAR(parameters["embedding"].std().item<double>(), 0.005, 5e-5);
  EXPECT_NEAR(parameters["layer.0.mlp.up"].abs().max().item<double>(), 1.0 / 16, 1e-5);
  EXPECT_NEAR(parameters["layer.0.mlp.up"].mean().item<double>(), 0, 5e-4);
  options.family = Family::kPartial;
  options.passes = 1;
  options.basis_rank = 128;
  options.basis_terms = 32;
  const Parameters partial(options, 3);
  const std::string terms = "layer.0.mlp.up.terms";
  const at::Tensor built =
      built_from_basis(partial[terms], partial.chosen_terms(terms), partial["basis"]);
  EXPECT_NEAR(built.std().item<double>(), parameters["layer.0.mlp.up"].std().item<double>(), 2e-3)
      << "a matrix from the basis is as large as one drawn directly";
}

TEST(Parameters, RefuseUnknownNamesAndOtherShapes) {
  Parameters parameters(test::tiny_recurrent(), 3);
  try {
    parameters["layer.9.mix"];
    FAIL() << "an unknown name was found";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kBadInput);
    EXPECT_THAT(error.what(), HasSubstr("layer.9.mix"));
  }
  EXPECT_THROW(parameters.assign("embedding", at::zeros({11, 9})), Error);
}

TEST(Parameters, TakeValuesOfAnyType) {
  Parameters parameters(test::tiny_recurrent(), 3);
  parameters.assign("layer.0.mix", at::full({2, 8}, 0.25, at::kDouble));
  EXPECT_EQ(parameters["layer.0.mix"].scalar_type(), at::kFloat);
  EXPECT_EQ(parameters["layer.0.mix"].sum().item<double>(), 4);
}

}  // namespace
}  // namespace reprise
