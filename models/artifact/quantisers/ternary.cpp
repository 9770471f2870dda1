#include "models/artifact/quantisers/ternary.h"

#include <algorithm>

#include "base/error.h"
#include "models/artifact/quantisers/half_quantiser.h"

namespace reprise {
namespace {

constexpr int64_t kTritsPerByte = 5;
constexpr int kPackedValues = 243;

/// The trits of a byte, as weights in units of the scale; fewer than five at the end of a row.
void unpack(uint8_t byte, std::span<float> out) {
  require(byte < kPackedValues, ExitCode::kBadInput, "ternary codes with a byte of ",
          static_cast<int>(byte), ", beyond five trits");
  constexpr float kTrit[] = {0, 1, -1};
  int left = byte;
  for (float& weight : out) {
    weight = kTrit[left % 3];
    left /= 3;
  }
  require(left == 0, ExitCode::kBadInput, "ternary codes beyond the end of a row");
}

}  // namespace

int64_t trit_bytes(int64_t columns) { return (columns + kTritsPerByte - 1) / kTritsPerByte; }

void append_trits(std::string& stream, std::span<const int8_t> trits) {
  while (!trits.empty()) {
    const auto now = trits.first(std::min<size_t>(kTritsPerByte, trits.size()));
    int byte = 0;
    for (size_t i = now.size(); i-- > 0;) byte = 3 * byte + (now[i] < 0 ? 2 : now[i]);
    stream += static_cast<char>(byte);
    trits = trits.subspan(now.size());
  }
}

std::vector<float> dequantise_ternary(int64_t columns, std::string_view scales,
                                      std::string_view codes) {
  const size_t rows = scales.size() / 2, width = static_cast<size_t>(columns);
  std::vector<float> values(rows * width);
  size_t byte = 0;
  for (size_t row = 0; row < rows; ++row) {
    const std::span<float> weights = std::span(values).subspan(row * width, width);
    for (size_t i = 0; i < width; i += kTritsPerByte)
      unpack(static_cast<uint8_t>(codes[byte++]),
             weights.subspan(i, std::min<size_t>(kTritsPerByte, width - i)));
    const float scale = half_at(scales, row);
    for (float& weight : weights) weight *= scale;
  }
  return values;
}

}  // namespace reprise
