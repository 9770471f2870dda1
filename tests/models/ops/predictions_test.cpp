// What kernels read off rows of logits, against the textbook formulas in double precision; the same
// program runs on every instruction set (CMakeLists.txt).
#include "models/ops/predictions.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gmock/gmock.h>

#include <cmath>

#include "base/error.h"
#include "base/format.h"
#include "models/ops/head.h"
#include "models/ops/reference.h"
#include "tests/models/tiny_models.h"

namespace reprise {
namespace {

/// Nats and probabilities. A logit minus the largest is rounded to fp32, and so is its exponential:
/// some 2^-24 of a difference of up to 100, weighted by a probability that then is small.
constexpr double kTolerance = 1e-6;

struct Table {
  std::string name;
  at::Tensor logits_NV;
};

/// Five rows of every kind at this vocabulary.
std::vector<Table> tables(int64_t vocab) {
  const at::Tensor normal_NV = test::normal_tensor({5, vocab}, 30, at::kFloat);
  const at::Tensor signs_NV = normal_NV.sign();
  return {{"unsorted", 6 * normal_NV},
          {"ascending", std::get<0>((6 * normal_NV).sort(-1))},
          {"descending", std::get<0>((6 * normal_NV).sort(-1, /*descending=*/true))},
          {"ties", (2 * normal_NV).round()},
          {"all_equal", at::full({5, vocab}, -3.5F)},
          {"extreme", 50 * signs_NV},
          {"nearly_extreme", 50 * signs_NV + normal_NV},
          {"one_stands_out",
           at::cat({at::full({5, 1}, 50.F), normal_NV - 50}, 1).slice(1, 0, vocab).contiguous()}};
}

at::Tensor logs_of(const at::Tensor& logits_NV) {
  return logits_NV.to(at::kDouble).log_softmax(-1);
}

at::Tensor entropy_of(const at::Tensor& logs_NV) { return -(logs_NV.exp() * logs_NV).sum(-1); }

class RowPredictions : public testing::TestWithParam<int64_t> {};

TEST_P(RowPredictions, AreTheFormulas) {
  const int64_t vocab = GetParam();
  for (const auto& [name, logits_NV] : tables(vocab)) {
    SCOPED_TRACE(name);
    const std::vector<ops::RowPrediction> rows = ops::predict_rows(logits_NV);
    const at::Tensor logs_NV = logs_of(logits_NV), entropy_N = entropy_of(logs_NV);
    const at::Tensor tops_N = logits_NV.amax(-1), places_N = logits_NV.argmax(-1);
    const at::Tensor sorted_NV = std::get<0>(logs_NV.exp().sort(-1, /*descending=*/true));
    ASSERT_EQ(rows.size(), 5U);
    for (int64_t n = 0; n < 5; ++n) {
      const ops::RowPrediction& row = rows[static_cast<size_t>(n)];
      EXPECT_EQ(row.top, tops_N[n].item<float>());
      EXPECT_EQ(row.most_likely,
                places_N[n].item<int64_t>());  // argmax() gives the first of equals
      EXPECT_NEAR(row.log_mass, -logs_NV[n].max().item<double>(), kTolerance);
      EXPECT_NEAR(row.entropy, entropy_N[n].item<double>(), kTolerance);
      EXPECT_NEAR(row.first, sorted_NV[n][0].item<double>(), kTolerance);
      EXPECT_NEAR(row.second, vocab == 1 ? 0 : sorted_NV[n][1].item<double>(), kTolerance);
    }
  }
}

TEST_P(RowPredictions, ComparedAreTheFormulas) {
  const int64_t vocab = GetParam();
  const std::vector<Table> all = tables(vocab);
  for (size_t i = 0; i < all.size(); ++i) {
    const Table &p = all[i], &q = all[(i + 1) % all.size()], &r = all[(i + 3) % all.size()];
    SCOPED_TRACE(concat(p.name, " with ", q.name, " and ", r.name));
    const auto of_p = ops::predict_rows(p.logits_NV), of_q = ops::predict_rows(q.logits_NV),
               of_r = ops::predict_rows(r.logits_NV);
    const auto [divergence, variation] =
        ops::compare_rows({p.logits_NV, of_p}, {q.logits_NV, of_q}, {r.logits_NV, of_r});
    const at::Tensor logs_NV = logs_of(p.logits_NV), shares_NV = logs_NV.exp();
    const at::Tensor divergence_N = (shares_NV * (logs_NV - logs_of(q.logits_NV))).sum(-1);
    const at::Tensor variation_N = (shares_NV - logs_of(r.logits_NV).exp()).abs().sum(-1) / 2;
    for (int64_t n = 0; n < 5; ++n) {
      const double expected = divergence_N[n].item<double>();
      EXPECT_NEAR(divergence[static_cast<size_t>(n)], expected, kTolerance * (1 + expected));
      EXPECT_NEAR(variation[static_cast<size_t>(n)], variation_N[n].item<double>(), kTolerance);
    }
  }
}

TEST_P(RowPredictions, OfEqualTablesDoNotDiffer) {
  for (const auto& [name, logits_NV] : tables(GetParam())) {
    const std::vector<ops::RowPrediction> rows = ops::predict_rows(logits_NV);
    const ops::PredictedTable table{logits_NV, rows};
    const auto [divergence, variation] = ops::compare_rows(table, table, table);
    EXPECT_THAT(divergence, testing::Each(0)) << name;
    // A multiply-add rounds one of two equal products: 2^-25 of a probability each, which add to 1.
    EXPECT_THAT(variation, testing::Each(testing::DoubleNear(0, 0x1p-25))) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Vocabularies, RowPredictions, testing::Values(1, 2, 7, 256, 1024, 1031));

/// The same bits, whoever computed a row and whatever stands beside it.
TEST(RowPredictionsOfARow, DoNotDependOnThreadsOrOtherRows) {
  const at::Tensor logits_NV = 6 * test::normal_tensor({200, 1031}, 31, at::kFloat);
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const auto alone = ops::predict_rows(logits_NV);
  at::set_num_threads(3);
  const auto shared = ops::predict_rows(logits_NV);
  at::set_num_threads(threads);
  const auto few = ops::predict_rows(logits_NV.slice(0, 77, 80));
  for (size_t n = 0; n < alone.size(); ++n) {
    EXPECT_EQ(shared[n].log_mass, alone[n].log_mass);
    EXPECT_EQ(shared[n].entropy, alone[n].entropy);
  }
  for (size_t n = 0; n < few.size(); ++n) {
    EXPECT_EQ(few[n].log_mass, alone[77 + n].log_mass);
    EXPECT_EQ(few[n].entropy, alone[77 + n].entropy);
  }
}

TEST(RowPredictionsOfARow, ABrokenLogitShows) {
  at::Tensor logits_NV = test::normal_tensor({2, 40}, 32, at::kFloat);
  logits_NV[0][17] = NAN;
  const auto rows = ops::predict_rows(logits_NV);
  EXPECT_TRUE(std::isnan(rows[0].log_mass));
  EXPECT_TRUE(std::isnan(rows[0].entropy));
  EXPECT_TRUE(std::isfinite(rows[1].entropy));
}

TEST(RowPredictionsOfARow, OtherTablesAreRefused) {
  const at::Tensor logits_NV = at::zeros({4, 6});
  EXPECT_THROW(ops::predict_rows(logits_NV.to(at::kDouble)), Error);
  EXPECT_THROW(ops::predict_rows(logits_NV.t()), Error);
  EXPECT_THROW(ops::predict_rows(logits_NV[0]), Error);
  EXPECT_THROW(ops::predict_rows(at::zeros({4, 0})), Error);
  const auto rows = ops::predict_rows(logits_NV), fewer = ops::predict_rows(logits_NV.slice(0, 1));
  const ops::PredictedTable table{logits_NV, rows};
  EXPECT_THROW(ops::compare_rows(table, {logits_NV, fewer}, table), Error);
  const at::Tensor narrow_NV = at::zeros({4, 5});
  EXPECT_THROW(ops::compare_rows(table, table, {narrow_NV, rows}), Error);
  EXPECT_TRUE(ops::predict_rows(at::zeros({0, 6})).empty());
}

class CappedLogits : public testing::TestWithParam<at::ScalarType> {};

// Without a graph a kernel applies the cap, within a few units in the last place of fp32.
TEST_P(CappedLogits, WithoutAGraphAreTheDefinition) {
  const double tolerance = GetParam() == at::kDouble ? 1e-14 : 5e-7;
  const at::Tensor embedding_VD = test::normal_tensor({1031, 6}, 34, GetParam());
  const at::Tensor features = test::normal_tensor({2, 5, 6}, 33, GetParam());
  for (const double scale : {0.01, 1.0, 20.0}) {
    const at::Tensor ours = ops::capped_logits(scale * features, embedding_VD, 15);
    const at::Tensor raw = at::linear(scale * features, embedding_VD);
    const at::Tensor expected = ops::reference::capped(raw.to(at::kDouble), 15);
    EXPECT_EQ(ours.scalar_type(), GetParam() == at::kDouble ? at::kDouble : at::kFloat);
    EXPECT_LT(((ours - expected).abs() / (expected.abs() + 1e-30)).max().item<double>(), tolerance)
        << "scale " << scale;
  }
}

INSTANTIATE_TEST_SUITE_P(Types, CappedLogits,
                         testing::Values(at::kDouble, at::kFloat, at::kBFloat16),
                         [](const auto& test) { return c10::toString(test.param); });

}  // namespace
}  // namespace reprise
