// Who gets the bits: rate-distortion by what errors do to the loss, uniform bits, rules by hand.
#include <gmock/gmock.h>

#include "models/artifact/artifact.h"
#include "models/artifact/packing/importance.h"
#include "models/artifact/packing/packer.h"
#include "models/artifact/packing/search.h"
#include "tests/artifact/test_models.h"

namespace reprise {
namespace {

PackOptions by(Allocation allocation, int64_t bytes) {
  PackOptions options = uncalibrated();
  options.bytes = bytes;
  options.quantiser.allocation = allocation;
  return options;
}

/// The loss depends on `favoured` a thousand times as much as on the others.
UnpackedModel calibrated_model(const std::string& favoured) {
  UnpackedModel model = random_model(64, 2, 1);
  model.calibration.emplace();
  for (const HostTensor& tensor : model.tensors) {
    const auto rows = static_cast<size_t>(tensor.shape[0]);
    const size_t columns = tensor.values.size() / rows;
    TensorCalibration calibration{std::vector<float>(rows, tensor.name == favoured ? 1e-3F : 1e-6F),
                                  std::vector<float>(columns, 1),
                                  {},
                                  0};
    if (tensor.shape.size() > 1) {
      calibration.read_hessian = [columns] {
        std::vector<double> hessian(columns * columns, 0.5);  // inputs that go together
        for (size_t j = 0; j < columns; ++j) hessian[j * columns + j] = 1;
        return hessian;
      };
    }
    model.calibration->tensors[tensor.name] = calibration;
  }
  return model;
}

const TensorSummary& of_tensor(const Packed& packed, const std::string& name) {
  for (const TensorSummary& tensor : packed.tensors)
    if (tensor.name == name) return tensor;
  throw std::runtime_error(name);
}

/// sum of rows_i columns_j dW_ij^2 / 2, what the loss is taken to rise by.
double loss_of(const UnpackedModel& model, const std::string& file) {
  const Artifact artifact = parse_artifact(file, "packed");
  double loss = 0;
  for (size_t i = 0; i < model.tensors.size(); ++i) {
    const TensorCalibration& use = model.calibration->tensors.at(model.tensors[i].name);
    const size_t columns = use.column_sensitivity.size();
    for (size_t k = 0; k < model.tensors[i].values.size(); ++k) {
      const double error = model.tensors[i].values[k] - artifact.tensors[i].values[k];
      loss += use.row_sensitivity[k / columns] * use.column_sensitivity[k % columns] * error *
              error / 2;
    }
  }
  return loss;
}

TEST(Allocation, EveryWayLandsInTheBand) {
  const UnpackedModel model = random_model(48, 2, 7);
  for (const auto allocation :
       {Allocation::kRateDistortion, Allocation::kUniform, Allocation::kHand})
    for (const int64_t target : {10'000, 20'000}) {
      const Packed packed = pack(model, by(allocation, target));
      EXPECT_TRUE(Band::below(target).contains(static_cast<int64_t>(packed.file.size())))
          << enum_name(allocation) << ' ' << target << ' ' << packed.file.size();
    }
}

TEST(Allocation, TheFisherDiagonalGivesBitsToWhatTheLossDependsOn) {
  const UnpackedModel model = calibrated_model("layer.1.up");
  PackOptions options = by(Allocation::kRateDistortion, 25'000);
  const Packed relative = pack(model, options);
  options.sensitivity = Sensitivity::kFisher;
  const Packed fisher = pack(model, options);
  EXPECT_LT(of_tensor(fisher, "layer.1.up").distortion.relative_rms,
            0.5 * of_tensor(relative, "layer.1.up").distortion.relative_rms);
  EXPECT_LT(loss_of(model, fisher.file), 0.5 * loss_of(model, relative.file));
}

/// What no gradient reached may not be thrown away whole: the Fisher diagonal says nothing of it.
TEST(Allocation, WhatTheLossDoesNotSeemToDependOnIsKeptInOutline) {
  UnpackedModel model = calibrated_model("embedding");
  TensorCalibration& free = model.calibration->tensors.at("layer.1.up");
  std::ranges::fill(free.row_sensitivity, 0.0F);
  PackOptions options = by(Allocation::kRateDistortion, 25'000);
  options.sensitivity = Sensitivity::kFisher;
  EXPECT_LT(of_tensor(pack(model, options), "layer.1.up").distortion.relative_rms, 0.6);
}

/// Of two rows that the loss depends on alike, one a tenth of the other, the share that counts by
/// rows is a hundred times as large for the smaller: 0.03 * (1 + 100) against 0.03 * (1 + 1).
TEST(Importance, AddsAShareByTheWeightsRow) {
  UnpackedModel model;
  model.tensors.push_back({"layer.0.up", {2, 2}, {1, -1, 0.1F, 0.1F}});
  model.calibration.emplace();
  model.calibration->tensors["layer.0.up"] = {{2, 2}, {3, 3}, {}, 0};
  const Importance found = importance_of(model, Sensitivity::kFisher)[0];
  // Losing all costs 6 (2 + 0.02) for 4 weights, and row 0's mean square is 1, row 1's 0.01.
  const double factor = 4 / (6 * 2.02);
  EXPECT_NEAR(found.rows[0], 2 * 3 * factor + 0.03 / 1, 1e-6);
  EXPECT_NEAR(found.rows[1], 2 * 3 * factor + 0.03 / 0.01, 1e-6);
  EXPECT_NEAR(found.columns[0], 1.03, 1e-6);
}

TEST(Allocation, BeatsUniformBitsAndTheBestRuleByHand) {
  const UnpackedModel model = calibrated_model("embedding");
  PackOptions options = by(Allocation::kUniform, 25'000);
  options.sensitivity = Sensitivity::kFisher;
  const double uniform = loss_of(model, pack(model, options).file);
  options.quantiser.allocation = Allocation::kHand;
  const PackHooks hooks{.judge = [&](const std::string& file) { return loss_of(model, file); }};
  const Packed by_hand = pack(model, options, hooks);
  EXPECT_THAT(by_hand.chosen.rule, testing::StartsWith("embedding + "));
  const double hand = loss_of(model, by_hand.file);
  EXPECT_LT(hand, uniform);
  options.quantiser.allocation = Allocation::kRateDistortion;
  EXPECT_LT(loss_of(model, pack(model, options).file), hand);
}

TEST(Allocation, TheJudgeChoosesAmongTheRules) {
  const UnpackedModel model = random_model(48, 1, 7);
  std::vector<std::string> judged;
  const PackHooks hooks{.judge = [&](const std::string& file) {
    judged.push_back(file);
    return judged.size() == 4 ? -1.0 : 0.0;
  }};
  const Packed packed = pack(model, by(Allocation::kHand, 8'000), hooks);
  EXPECT_GT(judged.size(), 4U);
  EXPECT_EQ(packed.file, judged[3]);
}

TEST(Allocation, LogsEveryCandidateAndTheOneItTook) {
  const UnpackedModel model = random_model(64, 2, 7);
  const Packed packed = pack(model, by(Allocation::kRateDistortion, 20'000));
  const nlohmann::json json = to_json(packed);
  ASSERT_EQ(json.at("candidates").size(), packed.candidates.size());
  EXPECT_EQ(json.at("chosen"), json.at("candidates").back());
  for (const auto& candidate : json.at("candidates")) {
    EXPECT_GT(candidate.at("distortion"), 0);
    EXPECT_NEAR(candidate.at("forecast_bytes").get<double>(), candidate.at("bytes").get<double>(),
                0.1 * candidate.at("bytes").get<double>());
  }
}

TEST(Allocation, WithoutATargetEveryWidthHasItsLeastError) {
  const UnpackedModel model = random_model(64, 2, 7);
  PackOptions options = by(Allocation::kUniform, 0);
  double before = 0;
  size_t bytes = 1 << 30;
  for (const int64_t bits : {8, 6, 4, 3, 2}) {
    options.quantiser.max_bits = bits;
    options.quantiser.clip_sigma = 0;
    const Packed packed = pack(model, options);
    const TensorSummary tensor = of_tensor(packed, "layer.0.up");
    EXPECT_EQ(tensor.nominal_bits, static_cast<double>(bits));
    EXPECT_GT(tensor.distortion.relative_rms, before);
    EXPECT_LT(packed.file.size(), bytes);
    before = tensor.distortion.relative_rms;
    bytes = packed.file.size();
    options.quantiser.clip_sigma = 2;  // a clip by rule loses more than the best
    EXPECT_GT(of_tensor(pack(model, options), "layer.0.up").distortion.relative_rms, before);
  }
}

/// A row's least error at some width lies where weights with the same step all over reach as well.
TEST(Allocation, UniformBitsFillTheFileOfTheSameWidthWithoutATarget) {
  const UnpackedModel model = random_model(64, 2, 7);
  for (const int64_t bits : {8, 6, 4, 3}) {
    PackOptions options = by(Allocation::kUniform, 0);
    options.quantiser.max_bits = bits;
    const auto target = static_cast<int64_t>(pack(model, options).file.size());
    options.bytes = target;
    EXPECT_TRUE(
        Band::below(target).contains(static_cast<int64_t>(pack(model, options).file.size())))
        << bits;
  }
}

TEST(Allocation, GptqNeedsACalibrationThatFits) {
  UnpackedModel model = calibrated_model("embedding");
  PackOptions options = by(Allocation::kRateDistortion, 20'000);
  options.quantiser.rounding = Rounding::kGptq;
  EXPECT_NO_THROW(pack(model, options));
  const auto message = [&]() -> std::string {
    try {
      pack(model, options);
    } catch (const Error& error) {
      return error.what();
    }
    return "it packed";
  };
  model.calibration->tensors["layer.0.up"].read_hessian = [] { return std::vector<double>(7); };
  EXPECT_THAT(message(), testing::HasSubstr("Hessian of tensor layer.0.up"));
  options.quantiser.rounding = Rounding::kNearest;
  options.sensitivity = Sensitivity::kFisher;
  model.calibration->tensors.erase("layer.0.down");
  EXPECT_THAT(message(), testing::HasSubstr("knows no tensor layer.0.down"));
  model.calibration.reset();
  EXPECT_THAT(message(), testing::HasSubstr("calibration"));
}

}  // namespace
}  // namespace reprise
