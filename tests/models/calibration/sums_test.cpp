// Sums of squares and of products, small enough to write down.
#include "models/calibration/sums.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <limits>

#include "tests/data/samples.h"

namespace reprise {
namespace {
using testing::ElementsAre;
using testing::FloatEq;

/// A matrix that has inputs, a vector, and a matrix that has none.
class UseSums : public testing::Test {
 protected:
  UseLayout layout_{{{"matrix", Role::kMatrix, at::empty({2, 3})},
                     {"vector", Role::kScalar, at::empty({2})},
                     {"built", Role::kMatrix, at::empty({1, 2})}},
                    {"matrix"}};
  std::vector<double> sums_ = std::vector<double>(static_cast<size_t>(layout_.size()));
  const TensorSums& matrix_ = layout_["matrix"];

  std::map<std::string, TensorCalibration> calibration(int64_t windows = 1, int64_t length = 1) {
    return calibration_of(layout_, sums_, windows, length,
                          triangles_in(std::make_shared<const std::vector<double>>(sums_)));
  }
};

TEST_F(UseSums, LieEndToEnd) {
  EXPECT_EQ(layout_.size(), (2 + 3 + 6 + 1) + (1 + 2) + (1 + 2));
  EXPECT_TRUE(layout_.multiplies("matrix"));
  EXPECT_FALSE(layout_.multiplies("built"));
  EXPECT_FALSE(layout_.multiplies("nothing"));
}

// Squares 1 0 4 / 1 0 0 and 0 0 0 / 9 0 9 over two windows of 3 tokens: 1 0 4 / 10 0 9 over 6
// tokens. Row means 5/18 and 19/18; column sums 11, 0 and 13 over the mean 24/6 = 4 of all.
TEST_F(UseSums, SensitivityIsTheBestProduct) {
  add_gradient(matrix_, at::tensor({1.0F, 0.0F, -2.0F, 1.0F, 0.0F, 0.0F}).view({2, 3}), sums_);
  add_gradient(matrix_, at::tensor({0.0, 0.0, 0.0, -3.0, 0.0, 3.0}).view({2, 3}), sums_);
  const TensorCalibration found = calibration(2, 3).at("matrix");
  EXPECT_THAT(found.row_sensitivity, ElementsAre(FloatEq(5.0F / 18), FloatEq(19.0F / 18)));
  EXPECT_THAT(found.column_sensitivity,
              ElementsAre(FloatEq(11.0F / 8), FloatEq(0), FloatEq(13.0F / 8)));
}

TEST_F(UseSums, SensitivityOfNothingIsNothing) {
  const TensorCalibration found = calibration().at("vector");
  EXPECT_THAT(found.row_sensitivity, ElementsAre(0));
  EXPECT_THAT(found.column_sensitivity, ElementsAre(1, 1));
}

// Rows (1, 2, 0), (0, 1, 0) and (1, 0, 3).
TEST_F(UseSums, HessianIsTheMeanOfTheProducts) {
  const auto add = [&](const at::Tensor& inputs_MC) {
    add_gram(matrix_, gram(inputs_MC), inputs_MC.size(0), sums_);
  };
  add(at::tensor({1.0F, 2.0F, 0.0F, 0.0F, 1.0F, 0.0F}).view({2, 3}));
  add(at::tensor({1.0, 0.0, 3.0}).view({1, 3}));
  const TensorCalibration found = calibration().at("matrix");
  EXPECT_EQ(found.applications, 3);
  EXPECT_THAT(found.read_hessian(), ElementsAre(2.0 / 3, 2.0 / 3, 1, 2.0 / 3, 5.0 / 3, 0, 1, 0, 3));
  EXPECT_FALSE(calibration().at("built").read_hessian);
}

TEST_F(UseSums, AMatrixThatWasNeverAppliedHasAHessianOfZeros) {
  const TensorCalibration found = calibration().at("matrix");
  EXPECT_EQ(found.applications, 0);
  EXPECT_EQ(found.read_hessian(), std::vector<double>(9));
}

TEST_F(UseSums, WhatIsNotFiniteIsNamed) {
  sums_[static_cast<size_t>(matrix_.hessian)] = std::numeric_limits<double>::infinity();
  EXPECT_EQ(error_of(ExitCode::kBadInput, [&] { (void)calibration(); }),
            "what was measured of matrix is not finite; the model's weights are too large to be "
            "used");
}

}  // namespace
}  // namespace reprise
