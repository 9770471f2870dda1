// What may be added to a body, in every combination, from the encoder to the decoder and back.
#include "models/artifact/quantisers/additions.h"

#include <gmock/gmock.h>

#include <cmath>

#include "base/error.h"
#include "models/artifact/quantisers/added_quantiser.h"
#include "models/artifact/quantisers/binary_quantiser.h"
#include "models/artifact/quantisers/hadamard.h"
#include "models/artifact/quantisers/half.h"
#include "models/artifact/quantisers/row_quantiser.h"
#include "tests/artifact/test_models.h"

namespace reprise {
namespace {

constexpr int64_t kRows = 24, kColumns = 48;

HostTensor matrix(uint64_t seed = 3) {
  return {"matrix", {kRows, kColumns}, random_values(kRows * kColumns, 0.05, seed, 100)};
}

Importance uneven_importance() {
  Importance importance{random_values(kRows, 1, 21), random_values(kColumns, 1, 22)};
  for (auto* weights : {&importance.rows, &importance.columns})
    for (float& weight : *weights) weight = 0.1F + weight * weight;
  return importance;
}

/// Through the streams, whose lengths must be those of the form.
std::vector<float> decoded(const QuantisedTensor& quantised, const HostTensor& tensor) {
  const TensorShape shape{tensor.name, quantised.form, tensor.shape};
  check_form(shape);
  const std::vector<StreamLayout> layouts = shape.streams();
  EXPECT_EQ(quantised.streams.size(), layouts.size());
  for (size_t i = 0; i < layouts.size(); ++i)
    EXPECT_EQ(std::ssize(quantised.streams[i]), layouts[i].bytes) << i;
  return dequantise(quantised, tensor);
}

MakeBody body_of(Scheme scheme) {
  return [scheme](const Subject& subject) -> std::unique_ptr<Quantiser> {
    if (scheme == Scheme::kBinary) return std::make_unique<BinaryQuantiser>(subject);
    return std::make_unique<RowQuantiser>(subject, QuantiserOptions{});
  };
}

struct Combination {
  Scheme scheme;
  Additions additions;
};

std::vector<Combination> combinations() {
  std::vector<Combination> list;
  for (const Scheme scheme : {Scheme::kRows, Scheme::kBinary})
    for (const auto& outliers : {std::vector<size_t>{}, std::vector<size_t>{0, 7, 47}})
      for (const bool rotated : {false, true})
        for (const int64_t rank : {0, 3})
          if (scheme == Scheme::kRows || rank == 0)
            list.push_back({scheme, {outliers, rotated, rank}});
  return list;
}

class AdditionsOf : public testing::TestWithParam<size_t> {};

TEST_P(AdditionsOf, GiveTheDistortionTheyForecastAtEverySlope) {
  const auto [scheme, additions] = combinations()[GetParam()];
  const HostTensor tensor = matrix();
  for (const bool even : {true, false}) {
    const Subject subject{tensor, even ? relative_importance(tensor) : uneven_importance()};
    const AddedQuantiser quantiser(subject, additions, body_of(scheme));
    const double energy = weighted_distortion(subject, std::vector<float>(tensor.values.size()));
    for (const double slope : {1e-6, 1e-3, 0.05}) {
      const double scaled = slope * energy / (kRows * kColumns);
      const QuantisedTensor quantised = quantiser.quantise(scaled);
      EXPECT_EQ(quantised.form.outliers, std::ssize(additions.outliers));
      EXPECT_EQ(quantised.form.rotated, additions.rotated);
      if (scheme == Scheme::kRows) {
        EXPECT_EQ(quantised.form.rank, additions.rank);
      }
      const double found = weighted_distortion(subject, decoded(quantised, tensor));
      // Rotated, a column's importance is the block's mean, and columns kept apart hide what the
      // body misses there: right on average over the signs, so the tensor's size sets how near.
      const bool averaged = additions.rotated && !(even && additions.outliers.empty());
      const double slack = 2e-6 * energy;  // binary16 columns, fp32 transforms
      EXPECT_NEAR(found, quantiser.forecast(scaled).distortion,
                  (averaged ? 0.12 : 1e-4) * found + slack)
          << "slope " << slope;
    }
  }
}

TEST_P(AdditionsOf, KeepTheirColumnsToHalfPrecision) {
  const auto [scheme, additions] = combinations()[GetParam()];
  const HostTensor tensor = matrix();
  const AddedQuantiser quantiser({tensor, relative_importance(tensor)}, additions, body_of(scheme));
  const std::vector<float> values = decoded(quantiser.quantise(0.1), tensor);
  for (const size_t column : additions.outliers)
    for (size_t i = column; i < values.size(); i += kColumns)
      EXPECT_EQ(values[i], from_half(to_half(tensor.values[i])));
}

/// dW H dW^T over all rows.
double error_at_output(const HostTensor& tensor, const std::vector<float>& values,
                       const std::vector<double>& hessian) {
  double sum = 0;
  for (size_t row = 0; row < values.size(); row += kColumns)
    for (size_t i = 0; i < kColumns; ++i)
      for (size_t j = 0; j < kColumns; ++j)
        sum += (values[row + i] - tensor.values[row + i]) * hessian[i * kColumns + j] *
               (values[row + j] - tensor.values[row + j]);
  return sum;
}

/// Inputs that go together: what one column misses its neighbours can make good.
TEST_P(AdditionsOf, LeaveErrorFeedbackItsUse) {
  const auto [scheme, additions] = combinations()[GetParam()];
  if (scheme != Scheme::kRows) return;  // signs are not fed back
  const HostTensor tensor = matrix();
  std::vector<double> hessian(kColumns * kColumns);
  for (size_t i = 0; i < kColumns; ++i)
    for (size_t j = 0; j < kColumns; ++j)
      hessian[i * kColumns + j] = std::pow(0.95, std::abs(double(i) - double(j)));
  const Importance even = relative_importance(tensor);
  const auto error = [&](const std::vector<double>* known) {
    const AddedQuantiser quantiser({tensor, even, known}, additions, body_of(scheme));
    double slope = 1e-6;  // at equal bits
    while (quantiser.forecast(slope).bits > 5.5 * kRows * kColumns) slope *= 1.05;
    return error_at_output(tensor, decoded(quantiser.quantise(slope), tensor), hessian);
  };
  EXPECT_LT(error(&hessian), 0.6 * error(nullptr));
}

INSTANTIATE_TEST_SUITE_P(All, AdditionsOf, testing::Range(size_t{0}, combinations().size()));

/// Every set of columns is tried: none leaves less.
TEST(Outliers, AreTheColumnsWhoseErrorsWeighMost) {
  const HostTensor tensor{"tiny", {3, 6}, random_values(18, 1, 5)};
  const std::vector<float> quantised(18, 0.25F);
  std::vector<double> hessian(36);
  for (size_t j = 0; j < 6; ++j) hessian[j * 6 + j] = static_cast<double>(7 - j);
  Importance importance{{1, 4, 0.5}, {1, 2, 1, 3, 1, 9}};
  for (const auto* known : {static_cast<std::vector<double>*>(nullptr), &hessian}) {
    const Subject subject{tensor, importance, known};
    double least = 1e9;
    std::vector<size_t> best;
    for (size_t a = 0; a < 6; ++a)
      for (size_t b = a + 1; b < 6; ++b) {
        double left = 0;
        for (size_t i = 0; i < 18; ++i) {
          const size_t j = i % 6;
          const double weight = known ? hessian[j * 6 + j] : importance.columns[j];
          if (j != a && j != b)
            left += importance.rows[i / 6] * weight * std::pow(tensor.values[i] - 0.25, 2);
        }
        if (left >= least) continue;
        least = left;
        best = {a, b};
      }
    EXPECT_EQ(worst_columns(subject, quantised, 2), best);
  }
}

/// A body that tells what it was given.
struct Witness : Quantiser {
  Forecast forecast(double) const override { return {}; }
  QuantisedTensor quantise(double) const override { return {}; }
};

TEST(Outliers, LeaveNothingForTheBodyToMakeUpFor) {
  const HostTensor tensor = matrix();
  std::vector<double> hessian(kColumns * kColumns, 1);
  const MakeBody body = [&](const Subject& subject) {
    for (size_t i = 0; i < kColumns; ++i) {
      EXPECT_EQ((*subject.hessian)[i * kColumns + 7], 0);
      EXPECT_EQ((*subject.hessian)[7 * kColumns + i], 0);
      EXPECT_EQ(subject.importance.columns[i] == 0, i == 7);
    }
    EXPECT_EQ((*subject.hessian)[5 * kColumns + 6], 1);
    for (size_t i = 7; i < tensor.values.size(); i += kColumns)
      EXPECT_EQ(subject.tensor.values[i], 0);
    return std::make_unique<Witness>();
  };
  AddedQuantiser({tensor, relative_importance(tensor), &hessian}, {.outliers = {7}}, body);
}

TEST(Rotation, GivesTheBodyTheTurnedHessian) {
  const HostTensor tensor = matrix();
  std::vector<double> hessian(kColumns * kColumns), expected;
  for (size_t i = 0; i < kColumns; ++i) hessian[i * kColumns + i] = static_cast<double>(i);
  expected = hessian;
  rotate_hessian(expected, kColumns);
  const MakeBody body = [&](const Subject& subject) {
    EXPECT_EQ(*subject.hessian, expected);
    return std::make_unique<Witness>();
  };
  AddedQuantiser({tensor, relative_importance(tensor), &hessian}, {.rotated = true}, body);
}

std::unique_ptr<Quantiser> chosen(const Subject& subject, const QuantiserOptions& options) {
  return make_quantiser(subject, options);
}

TEST(MakeQuantiser, TakesAnAdditionOnlyWhereItPays) {
  const QuantiserOptions all{
      .half_elements = 0, .outlier_share = 0.003, .residual_rank = 2, .rotate = Rotate::kChoose};
  HostTensor flat{"flat", {64, 128}, random_values(64 * 128, 0.05, 3, 1 << 30)};
  EXPECT_EQ(chosen({flat, relative_importance(flat)}, all)->quantise(5e-3).form.rank, 0);
  EXPECT_EQ(chosen({flat, relative_importance(flat)}, all)->quantise(5e-3).form.outliers, 0);
  HostTensor directed = flat;
  for (size_t i = 0; i < flat.values.size(); ++i)
    directed.values[i] += 2 * flat.values[i / 128] * flat.values[i % 128] / 0.05F;
  EXPECT_EQ(chosen({directed, relative_importance(directed)}, all)->quantise(5e-3).form.rank, 2);
  Importance importance = relative_importance(flat);
  importance.columns[77] = 1000;
  const QuantisedTensor quantised = chosen({flat, importance}, all)->quantise(5e-3);
  EXPECT_EQ(quantised.form.outliers, 1);
  EXPECT_EQ(quantised.streams[quantised.streams.size() - 2], std::string("\x4d\0", 2));
}

TEST(MakeQuantiser, NoSlopeCostsMoreWithMoreToChooseFrom) {
  const HostTensor tensor = matrix(8);
  const Subject subject{tensor, uneven_importance()};
  const auto few = make_quantiser(subject, {.half_elements = 0});
  const auto many = make_quantiser(subject, {.schemes = {"rows", "binary"},
                                             .half_elements = 0,
                                             .outlier_share = 0.05,
                                             .residual_rank = 2,
                                             .rotate = Rotate::kChoose});
  for (int log2_slope = -30; log2_slope <= 4; ++log2_slope) {
    const double slope = std::exp2(log2_slope);
    const Forecast a = few->forecast(slope), b = many->forecast(slope);
    EXPECT_LE(b.distortion + slope * b.bits, 1.0011 * (a.distortion + slope * a.bits))
        << log2_slope;
  }
}

/// Costs `bits` bits and this distortion at every slope.
struct Fixed : Quantiser {
  Forecast at;
  Fixed(double bits, double distortion) : at{bits, distortion} {}
  Forecast forecast(double) const override { return at; }
  QuantisedTensor quantise(double) const override { return {}; }
};

TEST(DropNeverBest, KeepsTheLowerHullAndOfNearEqualsTheFirst) {
  std::vector<std::unique_ptr<Quantiser>> ways;
  for (const auto& [bits, distortion] : {std::pair{100.0, 1.0},
                                         {100.0, 0.9999},
                                         {50.0, 9.0},
                                         {80.0, 8.0},
                                         {20.0, 10.0},
                                         {10.0, 50.0}})
    ways.push_back(std::make_unique<Fixed>(bits, distortion));
  drop_never_best(ways);
  std::vector<double> kept;
  for (const auto& way : ways) kept.push_back(way->forecast(1).bits);
  EXPECT_THAT(kept, testing::ElementsAre(100, 20, 10));
  EXPECT_EQ(ways[0]->forecast(1).distortion, 1);
}

TEST(MakeQuantiser, RotatesAllWhereAskedButColumnsThatCannotBe) {
  const QuantiserOptions all{.half_elements = 0, .rotate = Rotate::kAll};
  const HostTensor even = matrix(), odd{"odd", {8, 9}, random_values(72, 1, 1)};
  EXPECT_EQ(chosen({even, relative_importance(even)}, all)->quantise(1e-3).form.rotated, 1);
  EXPECT_EQ(chosen({odd, relative_importance(odd)}, all)->quantise(1e-3).form.rotated, 0);
}

std::string refusal(const TensorShape& tensor) {
  try {
    check_form(tensor);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kBadInput);
    return error.what();
  }
  return "";
}

TEST(CheckForm, RefusesWhatTheShapeDoesNotAllow) {
  const auto with = [](Scheme scheme, int64_t outliers, int64_t rank, int64_t rotated) {
    return refusal(
        {"t", {.scheme = scheme, .outliers = outliers, .rank = rank, .rotated = rotated}, {4, 6}});
  };
  EXPECT_EQ(with(Scheme::kRows, 5, 4, 1), "");
  EXPECT_EQ(with(Scheme::kBinary, 5, 4, 1), "");
  for (const Scheme scheme : {Scheme::kRows, Scheme::kBinary}) {
    EXPECT_THAT(with(scheme, 6, 0, 0), testing::HasSubstr("tensor t "));
    EXPECT_NE(with(scheme, -1, 0, 0), "");
    EXPECT_NE(with(scheme, 0, 5, 0), "");
    EXPECT_NE(with(scheme, 0, -1, 0), "");
    EXPECT_NE(with(scheme, 0, 0, 2), "");
  }
  for (const Scheme scheme : {Scheme::kHalf, Scheme::kSingle, Scheme::kFloat8})
    EXPECT_NE(with(scheme, 1, 0, 0), "");
  EXPECT_NE(refusal({"odd", {.scheme = Scheme::kRows, .rotated = 1}, {4, 9}}), "");
  EXPECT_NE(refusal({"t", {.scheme = Scheme::kBinary, .entries = 3}, {4, 6}}), "");
}

TEST(Outliers, IndicesOutOfOrderOrBeyondTheTensorAreErrors) {
  const HostTensor tensor = matrix();
  QuantisedTensor quantised = AddedQuantiser({tensor, relative_importance(tensor)},
                                             {.outliers = {4, 9}}, body_of(Scheme::kRows))
                                  .quantise(1e-3);
  std::string& indices = quantised.streams[2];
  ASSERT_EQ(indices, std::string("\4\0\11\0", 4));
  for (const char* wrong : {"\4\0\4\0", "\11\0\4\0", "\4\0\x30\0", "\4\0\4\1"}) {
    indices = std::string(wrong, 4);
    EXPECT_THROW(decoded(quantised, tensor), Error);
  }
}

TEST(Outliers, BeyondTwoBytesOfColumnsIndicesTakeFour) {
  HostTensor tensor{"wide", {2, 70'000}, random_values(140'000, 0.05, 3)};
  const AddedQuantiser quantiser({tensor, relative_importance(tensor)}, {.outliers = {3, 69'999}},
                                 body_of(Scheme::kRows));
  const QuantisedTensor quantised = quantiser.quantise(1e-3);
  EXPECT_EQ(quantised.streams[2].size(), 8);
  EXPECT_EQ(decoded(quantised, tensor).back(), from_half(to_half(tensor.values.back())));
}

}  // namespace
}  // namespace reprise
