#include "models/artifact/quantisers/small_quantisers.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "models/artifact/quantisers/float8.h"
#include "models/artifact/quantisers/half_quantiser.h"

namespace reprise {
namespace {

/// The least positive binary16 that is `value` or more, for values within binary16.
uint16_t half_at_least(float value) {
  const uint16_t nearest = std::max<uint16_t>(to_half(value), 1);
  return from_half(nearest) < value ? static_cast<uint16_t>(nearest + 1) : nearest;
}

uint16_t scale_of(const std::vector<float>& values) {
  float largest = 0;
  for (const float value : values) largest = std::max(largest, std::abs(value));
  return half_at_least(largest / kLargestFloat8);
}

}  // namespace

Forecast SingleQuantiser::forecast(double) const {
  return {.bits = 32.0 * static_cast<double>(tensor_.values.size()), .distortion = 0};
}

QuantisedTensor SingleQuantiser::quantise(double) const {
  std::string values;
  values.reserve(4 * tensor_.values.size());
  for (const float value : tensor_.values) {
    const uint32_t bits = std::bit_cast<uint32_t>(value);
    for (int shift = 0; shift < 32; shift += 8) values += static_cast<char>(bits >> shift & 0xff);
  }
  return {.form = {Scheme::kSingle}, .streams = {std::move(values)}, .nominal_bits = 32};
}

std::vector<float> dequantise_single(std::string_view values) {
  std::vector<float> decoded(values.size() / 4);
  for (size_t i = 0; i < decoded.size(); ++i) {
    uint32_t bits = 0;
    for (size_t byte = 0; byte < 4; ++byte)
      bits |= static_cast<uint32_t>(static_cast<uint8_t>(values[4 * i + byte])) << 8 * byte;
    decoded[i] = std::bit_cast<float>(bits);
  }
  return decoded;
}

Forecast Float8Quantiser::forecast(double) const {
  return {.bits = 8.0 * static_cast<double>(tensor_.values.size()) + 16, .distortion = 0};
}

QuantisedTensor Float8Quantiser::quantise(double) const {
  const uint16_t scale = scale_of(tensor_.values);
  std::string scales, values;
  append_half(scales, scale);
  for (const float value : tensor_.values)
    values += static_cast<char>(to_float8(value / from_half(scale)));
  return {.form = {Scheme::kFloat8},
          .streams = {std::move(scales), std::move(values)},
          .nominal_bits = 8};
}

std::vector<float> dequantise_float8(std::string_view scale, std::string_view values) {
  const float unit = half_at(scale, 0);
  std::vector<float> decoded;
  decoded.reserve(values.size());
  for (const char code : values) decoded.push_back(unit * from_float8(static_cast<uint8_t>(code)));
  return decoded;
}

}  // namespace reprise
