// The search for the shape that fills a number of bytes.
#include "models/cost/solve.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/parameters.h"

namespace reprise {
namespace {

using testing::HasSubstr;

std::string complaint(ModelOptions model, const SizeOptions& options, ExitCode code) {
  try {
    validate(options);
    solve(model, {.code_bits = options.bits}, options);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  return "";
}

int64_t& width(ModelOptions& model) { return model.width; }
int64_t& core(ModelOptions& model) { return model.core; }
int64_t& experts(ModelOptions& model) { return model.experts.count; }
int64_t& lora_rank(ModelOptions& model) { return model.lora_rank; }
int64_t& basis_rank(ModelOptions& model) { return model.basis_rank; }
int64_t& embedding_rank(ModelOptions& model) { return model.embedding_rank; }

/// The largest value that fits: its bytes do, those of the next value do not.
void expect_filled(ModelOptions model, Solve what, int64_t& (*field)(ModelOptions&), int64_t step,
                   int64_t bytes) {
  SCOPED_TRACE(concat(enum_name(what), " ", bytes));
  const CostCase c{.code_bits = 5};
  const Solution solution = solve(model, c, {.solve = what, .bytes = bytes});
  EXPECT_EQ(field(model), solution.value);
  EXPECT_EQ(stored_bytes_of(model, c), solution.bytes);
  EXPECT_LE(solution.bytes, bytes);
  field(model) += step;
  EXPECT_EQ(field(model), solution.next);
  EXPECT_EQ(stored_bytes_of(model, c), solution.next_bytes);
  EXPECT_GT(solution.next_bytes, bytes);
}

TEST(Solve, FindsTheLargestValueThatFits) {
  ModelOptions model;
  for (const int64_t bytes : {300'000, 900'000, 16'000'000}) {
    expect_filled(model, Solve::kWidth, width, 2 * model.heads, bytes);
    if (bytes > 600'000) expect_filled(model, Solve::kLayers, core, 1, 2 * bytes);
  }
  ModelOptions factorised = model;
  factorised.vocab = 8192;
  expect_filled(factorised, Solve::kEmbeddingRank, embedding_rank, 1, 2'000'000);
  expect_filled(factorised, Solve::kRank, embedding_rank, 1, 2'000'000);
  ModelOptions changed = model;
  changed.lora_rank = 2;
  expect_filled(changed, Solve::kLoraRank, lora_rank, 1, 1'600'000);
  expect_filled(changed, Solve::kRank, lora_rank, 1, 1'600'000);
}

TEST(Solve, FindsTheExpertsAndTheBasisOfTheFamiliesThatHaveThem) {
  ModelOptions mixture;
  mixture.family = Family::kMoe, mixture.experts = {.count = 4, .top_k = 3, .width = 64};
  expect_filled(mixture, Solve::kExperts, experts, 1, 1'500'000);
  ModelOptions partial;
  partial.family = Family::kPartial, partial.passes = 1;
  partial.basis_rank = 64, partial.basis_terms = 16;
  expect_filled(partial, Solve::kBasisRank, basis_rank, 1, 720'000);
  expect_filled(partial, Solve::kRank, basis_rank, 1, 720'000);
}

/// Skips need two layers: a model of one is none of the candidates.
TEST(Solve, StartsAtTheLeastValueTheModelTakes) {
  ModelOptions model;
  model.prelude = 0, model.coda = 0, model.core = 5, model.skips = true;
  expect_filled(model, Solve::kLayers, core, 1, 900'000);
}

TEST(Solve, NamesTheNearestSizeWhereNoValueFits) {
  const ModelOptions model;
  EXPECT_THAT(
      complaint(model, {.solve = Solve::kLayers, .bytes = 100'000}, ExitCode::kCapUnreachable),
      HasSubstr("no model.core fits 100000 bytes: the least, 1, takes "));
  EXPECT_THAT(complaint(model, {.solve = Solve::kEmbeddingRank, .bytes = 5'000'000},
                        ExitCode::kCapUnreachable),
              HasSubstr("no model.embedding-rank fills 5000000 bytes: the largest, 255, takes "));
}

TEST(Solve, RefusesWhatContradicts) {
  ModelOptions model;
  EXPECT_THAT(complaint(model, {.solve = Solve::kWidth}, ExitCode::kUsage),
              HasSubstr("size.bytes is 0"));
  EXPECT_THAT(complaint(model, {.bytes = 100}, ExitCode::kUsage), HasSubstr("--size.solve"));
  EXPECT_THAT(complaint(model, {.bits = 0}, ExitCode::kUsage), HasSubstr("size.bits is 0"));
  EXPECT_THAT(complaint(model, {.refine_share = 2}, ExitCode::kUsage),
              HasSubstr("size.refine-share is 2"));
  EXPECT_THAT(complaint(model, {.code_bytes = -1}, ExitCode::kUsage),
              HasSubstr("size.code-bytes is -1"));
  model.family = Family::kStatic, model.passes = 1;
  EXPECT_THAT(complaint(model, {.solve = Solve::kLoraRank, .bytes = 1'000'000}, ExitCode::kUsage),
              HasSubstr("lora-rank belongs to"));
  EXPECT_THAT(complaint(model, {.solve = Solve::kExperts, .bytes = 1'000'000}, ExitCode::kUsage),
              HasSubstr("experts belongs to the moe family"));
}

}  // namespace
}  // namespace reprise
