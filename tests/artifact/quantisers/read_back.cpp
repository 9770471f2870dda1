#include "tests/artifact/quantisers/read_back.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/file.h"
#include "base/random.h"
#include "models/artifact/directory.h"

namespace reprise {

QuantiserOptions only_scheme(const std::string& scheme) {
  QuantiserOptions options;
  options.schemes = {scheme};
  options.half_elements = 0;
  return options;
}

std::vector<float> read_back(const HostTensor& tensor, const QuantisedTensor& quantised) {
  const Directory written{{tensor.name, quantised.form, tensor.shape}};
  const Directory read = read_directory(write_directory(written), 1 << 30);
  EXPECT_EQ(read[0].form, quantised.form);
  const std::vector<StreamLayout> layouts = read[0].streams();
  EXPECT_EQ(layouts.size(), quantised.streams.size());
  std::vector<std::string_view> streams;
  for (size_t i = 0; i < layouts.size(); ++i) {
    streams.emplace_back(quantised.streams[i]);
    EXPECT_EQ(static_cast<int64_t>(streams[i].size()), layouts[i].bytes) << "stream " << i;
  }
  return dequantise(read[0], streams);
}

Importance random_importance(size_t rows, size_t columns, uint64_t seed) {
  const RandomStream stream(seed, Purpose::kTest, 1);
  const auto draw = [&](size_t i) {
    return static_cast<float>(std::exp2(8 * stream.uniform(i) - 4));
  };
  Importance importance;
  for (size_t i = 0; i < rows; ++i) importance.rows.push_back(draw(i));
  for (size_t i = 0; i < columns; ++i) importance.columns.push_back(draw(rows + i));
  return importance;
}

std::vector<float> laplace_values(size_t count, uint64_t seed) {
  const RandomStream stream(seed, Purpose::kTest);
  std::vector<float> values;
  for (size_t i = 0; i < count; ++i) {
    const double place = stream.uniform(i) - 0.5;
    values.push_back(
        static_cast<float>(std::copysign(std::log(1 - 2 * std::abs(place)), place) / std::sqrt(2)));
  }
  return values;
}

BodyGolden read_body_golden() {
  BodyGolden golden;
  golden.json = nlohmann::json::parse(read_file(GOLDEN_DIR "/body.json"));
  golden.importance = {golden.json.at("row_importance").get<std::vector<float>>(),
                       golden.json.at("column_importance").get<std::vector<float>>()};
  golden.tensor = {
      "golden", {std::ssize(golden.importance.rows), std::ssize(golden.importance.columns)}, {}};
  for (const auto& row : golden.json.at("weights"))
    for (const float weight : row) golden.tensor.values.push_back(weight);
  return golden;
}

double slope_of(const Quantiser& quantiser, double bits, size_t weights) {
  double slope = 1e-9;
  while (quantiser.forecast(slope).bits > bits * static_cast<double>(weights)) slope *= 1.02;
  return slope;
}

}  // namespace reprise
