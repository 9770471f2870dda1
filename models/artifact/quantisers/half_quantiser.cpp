#include "models/artifact/quantisers/half_quantiser.h"

namespace reprise {

void append_half(std::string& stream, uint16_t half) {
  stream += static_cast<char>(half & 0xff);
  stream += static_cast<char>(half >> 8);
}

float half_at(std::string_view stream, size_t index) {
  const auto low = static_cast<uint8_t>(stream[2 * index]);
  const auto high = static_cast<uint8_t>(stream[2 * index + 1]);
  return from_half(static_cast<uint16_t>(low | high << 8));
}

Forecast HalfQuantiser::forecast(double) const {
  return {.bits = 16.0 * static_cast<double>(tensor_.values.size()), .distortion = 0};
}

QuantisedTensor HalfQuantiser::quantise(double) const {
  std::string values;
  values.reserve(2 * tensor_.values.size());
  for (const float value : tensor_.values) append_half(values, to_half(value));
  return {.form = {Scheme::kHalf}, .streams = {std::move(values)}, .nominal_bits = 16};
}

std::vector<float> dequantise_half(std::string_view values) {
  std::vector<float> decoded(values.size() / 2);
  for (size_t i = 0; i < decoded.size(); ++i) decoded[i] = half_at(values, i);
  return decoded;
}

}  // namespace reprise
