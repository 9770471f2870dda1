// The public 16 MB baseline's shape at its full size, in fp32, against PyTorch: loss and every
// gradient. tests/golden/make_baseline_golden.py wrote the file and says how it is so small.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "models/network.h"
#include "tests/models/public_baseline.h"

namespace reprise {
namespace {

constexpr int64_t kTokens = 128, kProjections = 8;

uint32_t hashed(uint32_t stream, int64_t element) {
  uint32_t x = static_cast<uint32_t>(element) * 2654435761U + stream * 0x9E3779B9U;
  x ^= x >> 16;
  x *= 0x7FEB352DU;
  x ^= x >> 15;
  x *= 0x846CA68BU;
  return x ^ (x >> 16);
}

at::Tensor hashed_weight(uint32_t stream, at::IntArrayRef shape, double mean, double scale) {
  const at::Tensor values = at::empty(shape);
  for (int64_t i = 0; i < values.numel(); ++i)
    values.data_ptr<float>()[i] =
        static_cast<float>(mean + scale * (hashed(stream, i) >> 8) * 0x1p-24 - 0.5 * scale);
  return values;
}

Parameters hashed_parameters(const ModelOptions& options) {
  Parameters parameters(options, 0);
  uint32_t stream = 0;
  for (const Parameter& parameter : parameters.list()) {
    const bool is_scalar = parameter.role == Role::kScalar;
    const double scale = is_scalar ? 0.5 : parameter.role == Role::kEmbedding ? 0.0625 : 0.125;
    parameters.assign(parameter.name, hashed_weight(stream++, parameter.tensor.sizes(),
                                                    is_scalar ? 0.75 : 0, scale));
  }
  return parameters;
}

/// Root of the mean square of the products' differences, which estimates the norm of the
/// gradients' difference.
double distance(const at::Tensor& gradient, uint32_t first_stream, const nlohmann::json& products) {
  double square = 0;
  for (int64_t p = 0; p < kProjections; ++p) {
    const uint32_t stream = first_stream + static_cast<uint32_t>(p);
    const float* values = gradient.const_data_ptr<float>();
    double product = 0;
    for (int64_t i = 0; i < gradient.numel(); ++i)
      product += hashed(stream, i) >> 31 ? values[i] : -static_cast<double>(values[i]);
    const double off = product - products[static_cast<size_t>(p)].get<double>();
    square += off * off / kProjections;
  }
  return std::sqrt(square);
}

TEST(PublicBaseline, HasPyTorchsLossAndGradients) {
  const auto golden = nlohmann::json::parse(read_file(REPRISE_GOLDEN_DIR "/baseline.json"));
  const ModelOptions options = test::public_baseline();
  const Parameters parameters = hashed_parameters(options);
  EXPECT_EQ(parameters.count(), 17'059'912);
  EXPECT_EQ(golden["parameters"], 17'059'912);

  at::Tensor stream_T = at::empty({kTokens + 1}, at::kLong);
  for (int64_t t = 0; t <= kTokens; ++t)
    stream_T.data_ptr<int64_t>()[t] = hashed(1000, t) % options.vocab;
  const Network network(options, parameters, at::kFloat);
  const BasePasses base = network.base_passes(stream_T.slice(0, 0, kTokens).unsqueeze(0));
  const at::Tensor loss =
      network.cross_entropy(base.features_BTD, stream_T.slice(0, 1).unsqueeze(0)).mean();
  loss.backward();
  EXPECT_NEAR(loss.item<double>() / golden["loss"].get<double>(), 1, 1e-5);
  double worst = 0;
  uint32_t first_stream = 2000;
  for (const Parameter& parameter : parameters.list()) {
    const auto& of = golden["gradients"][parameter.name];
    const at::Tensor gradient = parameter.tensor.grad().contiguous();
    const double size = of["norm"], off = distance(gradient, first_stream, of["products"]);
    EXPECT_LT(off, 1e-5 * size) << parameter.name;
    EXPECT_NEAR(gradient.to(at::kDouble).norm().item<double>(), size, 1e-5 * size)
        << parameter.name;
    worst = std::max(worst, off / size);
    first_stream += kProjections;
  }
  RecordProperty("largest_relative_difference", concat(worst));
}

}  // namespace
}  // namespace reprise
