#include "tests/artifact/test_models.h"

#include <cmath>

#include "base/random.h"

namespace reprise {
namespace {

std::vector<TensorShape> shapes(int64_t width, int64_t layers) {
  std::vector<TensorShape> list{{"embedding", {}, {4 * width, width}}};
  for (int64_t i = 0; i < layers; ++i) {
    const std::string layer = concat("layer.", i, ".");
    list.push_back({layer + "gain", {}, {width}});
    list.push_back({layer + "mix", {}, {2, width}});
    list.push_back({layer + "up", {}, {2 * width, width}});
    list.push_back({layer + "down", {}, {width, 2 * width}});
  }
  return list;
}

}  // namespace

PackOptions uncalibrated(int64_t bytes) {
  PackOptions options;
  options.bytes = bytes;
  options.sensitivity = Sensitivity::kRelative;
  options.quantiser.rounding = Rounding::kNearest;
  return options;
}

std::vector<float> random_values(int64_t count, double spread, uint64_t seed,
                                 int64_t outlier_every) {
  const RandomStream stream(seed, Purpose::kTest);
  std::vector<float> values;
  for (int64_t i = 0; i < count; ++i) {
    const double outlier = i % outlier_every == outlier_every - 1 ? 8 : 1;
    values.push_back(
        static_cast<float>(spread * outlier * stream.normal(static_cast<uint64_t>(i))));
  }
  return values;
}

UnpackedModel random_model(int64_t width, int64_t layers, uint64_t seed) {
  UnpackedModel model;
  model.model = {{"family", "recurrent"}, {"width", width}};
  model.tokenizer = std::string(64, 'a');
  for (const TensorShape& shape : shapes(width, layers)) {
    const double spread = 0.02 * static_cast<double>(1 + model.tensors.size() % 3);
    HostTensor tensor{shape.name, shape.shape,
                      random_values(shape.elements(), spread, seed + model.tensors.size())};
    const RandomStream rows(seed, Purpose::kTest, 1);
    const auto columns = tensor.values.size() / static_cast<size_t>(shape.shape[0]);
    for (size_t i = 0; i < tensor.values.size(); ++i)
      tensor.values[i] *= static_cast<float>(std::exp(0.3 * rows.normal(i / columns)));
    model.tensors.push_back(std::move(tensor));
  }
  model.tensors_at_width = [layers](int64_t other) { return shapes(other, layers); };
  return model;
}

const std::string& small_file() {
  static const std::string file = [] {
    PackOptions options = uncalibrated();
    options.bytes = 6'000;
    return pack(random_model(32, 1, 9), options).file;
  }();
  return file;
}

}  // namespace reprise
