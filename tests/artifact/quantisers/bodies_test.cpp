// The bodies of one bit a weight and of none to choose: binary, single, float8.
#include <gmock/gmock.h>

#include <cmath>

#include "models/artifact/artifact.h"
#include "models/artifact/ledger.h"
#include "models/artifact/quantisers/binary_quantiser.h"
#include "models/artifact/quantisers/half.h"
#include "models/artifact/quantisers/small_quantisers.h"
#include "tests/artifact/test_models.h"

namespace reprise {
namespace {

/// Every pattern of signs, under every binary16 scale near the weights' size.
TEST(BinaryQuantiser, NoSignsAndScalesLoseLess) {
  const HostTensor tensor{"tiny", {2, 5}, random_values(10, 1, 4)};
  const Subject subject{tensor, {{1, 3}, {1, 0.5, 2, 4, 1}}};
  const std::vector<float> found = dequantise(BinaryQuantiser(subject).quantise(1e9), tensor);
  double least = 0;
  for (size_t row = 0; row < 2; ++row) {
    double best = 1e9;
    for (uint16_t scale = to_half(0.05F); scale < to_half(4); ++scale)
      for (unsigned signs = 0; signs < 32; ++signs) {
        double sum = 0;
        for (size_t j = 0; j < 5; ++j) {
          const float value = signs >> j & 1 ? -from_half(scale) : from_half(scale);
          const double error = tensor.values[row * 5 + j] - value;
          sum += subject.importance.columns[j] * error * error;
        }
        best = std::min(best, sum);
      }
    least += subject.importance.rows[row] * best;
  }
  EXPECT_NEAR(weighted_distortion(subject, found), least, 1e-6 * least);
}

TEST(BinaryQuantiser, StoresABitAWeightLowestFirst) {
  HostTensor tensor{"signs", {2, 10}, std::vector<float>(20, 0.5F)};
  for (const size_t negative : {0, 3, 9, 12}) tensor.values[negative] = -0.5F;
  const QuantisedTensor quantised =
      BinaryQuantiser({tensor, relative_importance(tensor)}).quantise(1e9);
  EXPECT_EQ(quantised.form, (Form{.scheme = Scheme::kBinary}));
  EXPECT_EQ(quantised.streams.at(0), std::string("\0\x38\0\x38", 4));
  EXPECT_EQ(quantised.streams.at(1), std::string("\x09\x02\x04\0", 4));
  EXPECT_EQ(dequantise(quantised, tensor), tensor.values);
}

TEST(BinaryQuantiser, AFlatterSlopeBuysAWiderBranch) {
  const HostTensor tensor{"matrix", {48, 64}, random_values(48 * 64, 0.05, 3)};
  const Subject subject{tensor, relative_importance(tensor)};
  const BinaryQuantiser quantiser(subject);
  Forecast before = quantiser.forecast(1e9);
  int64_t rank = 0, ranks = 0;
  for (double slope = 0.3; slope > 1e-4; slope /= 2) {
    const Forecast now = quantiser.forecast(slope);
    const QuantisedTensor quantised = quantiser.quantise(slope);
    EXPECT_GE(now.bits, before.bits);
    EXPECT_LE(now.distortion, before.distortion);
    EXPECT_NEAR(weighted_distortion(subject, dequantise(quantised, tensor)), now.distortion,
                1e-6 * now.distortion);
    ranks += quantised.form.rank != rank;
    rank = quantised.form.rank;
    before = now;
  }
  EXPECT_EQ(rank, 32);
  EXPECT_GE(ranks, 2);
}

TEST(BinaryQuantiser, KeepsZeros) {
  const HostTensor zeros{"zeros", {16, 32}, std::vector<float>(512)};
  const BinaryQuantiser quantiser({zeros, relative_importance(zeros)});
  EXPECT_EQ(dequantise(quantiser.quantise(1e-6), zeros), zeros.values);
}

TEST(Float8Quantiser, NeverClipsAndKeepsThreeBitsOfFraction) {
  for (const double spread : {1e-9, 1e-4, 0.02, 1.0, 900.0}) {
    const HostTensor tensor{"gain", {500}, random_values(500, spread, 2, 50)};
    const auto quantiser =
        make_quantiser({tensor, relative_importance(tensor)}, {.small = Small::kFloat8});
    const QuantisedTensor quantised = quantiser->quantise(1);
    ASSERT_EQ(quantised.form.scheme, Scheme::kFloat8);
    const std::vector<float> values = dequantise(quantised, tensor);
    float largest = 0;
    for (const float value : tensor.values) largest = std::max(largest, std::abs(value));
    // Half a unit of the last place, or of the least number: 2^-10 of a scale, itself at least the
    // least binary16.
    const double least = std::max(largest / 448 * 1.001, 0x1p-24) * 0x1p-10;
    for (size_t i = 0; i < values.size(); ++i)
      EXPECT_LE(std::abs(values[i] - tensor.values[i]),
                std::max(std::abs(tensor.values[i]) * 0x1p-4, least) * 1.0001);
  }
}

TEST(Float8Quantiser, KeepsZeros) {
  const HostTensor zeros{"zeros", {7}, std::vector<float>(7)};
  EXPECT_EQ(dequantise(Float8Quantiser(zeros).quantise(1), zeros), zeros.values);
}

Packed packed(const UnpackedModel& model, int64_t bytes, const QuantiserOptions& quantiser) {
  PackOptions options = uncalibrated();
  options.bytes = bytes;
  options.quantiser = quantiser;
  options.quantiser.rounding = Rounding::kNearest;
  return pack(model, options);
}

TEST(SingleQuantiser, KeepsAModelBitForBit) {
  UnpackedModel model = random_model(32, 1, 9);
  model.tensors[3].values[5] = 1e30F;  // beyond binary16
  model.tensors[1].values[0] = -0.0F;
  const std::string file = packed(model, 0, {.schemes = {"single"}}).file;
  const Artifact artifact = parse_artifact(file, "packed");
  for (size_t i = 0; i < model.tensors.size(); ++i) {
    EXPECT_EQ(artifact.directory[i].form.scheme, Scheme::kSingle);
    EXPECT_EQ(artifact.tensors[i].values, model.tensors[i].values);
  }
  EXPECT_TRUE(std::signbit(artifact.tensors[1].values[0]));
}

/// Elements of one, two and four bytes in one file, and every addition: shuffles, sections, ledger.
TEST(Artifact, HoldsEveryFormAtOnce) {
  const UnpackedModel model = random_model(48, 2, 9);
  const std::string file = packed(model, 16'000,
                                  {.schemes = {"rows", "binary"},
                                   .small = Small::kFloat8,
                                   .outlier_share = 0.02,
                                   .residual_rank = 2,
                                   .rotate = Rotate::kAll})
                               .file;
  const Artifact artifact = parse_artifact(file, "packed");
  EXPECT_EQ(serialise(artifact), file);
  EXPECT_EQ(Ledger(artifact).counted_bytes(), std::ssize(file));
  for (size_t i = 0; i < model.tensors.size(); ++i) {
    const TensorShape& shape = artifact.directory[i];
    EXPECT_EQ(shape.form.rotated, stored_as_codes(shape.shape, {}));
    EXPECT_LT(measure_distortion(model.tensors[i].values, artifact.tensors[i].values).relative_rms,
              shape.form.rotated ? 0.3 : 0.04);
  }
}

}  // namespace
}  // namespace reprise
