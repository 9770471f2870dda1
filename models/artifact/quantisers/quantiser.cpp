#include "models/artifact/quantisers/quantiser.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "models/artifact/quantisers/half_quantiser.h"
#include "models/artifact/quantisers/row_quantiser.h"

namespace reprise {
namespace {

void check_values(const HostTensor& tensor) {
  for (const float value : tensor.values) {
    require(std::isfinite(value), ExitCode::kBadInput, "tensor ", tensor.name,
            " holds a weight that is not finite; the training that wrote it diverged");
    require(std::abs(value) <= kLargestHalf, ExitCode::kBadInput, "tensor ", tensor.name, " holds ",
            value, ", beyond the range of binary16");
  }
}

}  // namespace

bool stored_as_rows(std::span<const int64_t> shape, const QuantiserOptions& options) {
  const int64_t elements =
      std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
  return shape.size() >= 2 && elements > options.half_elements;
}

std::unique_ptr<Quantiser> make_quantiser(const HostTensor& tensor,
                                          const QuantiserOptions& options) {
  check_values(tensor);
  if (!stored_as_rows(tensor.shape, options)) return std::make_unique<HalfQuantiser>(tensor);
  return std::make_unique<RowQuantiser>(tensor, options);
}

std::vector<float> dequantise(const TensorShape& shape, std::span<const std::string_view> streams) {
  switch (shape.scheme) {
    case Scheme::kHalf:
      return dequantise_half(streams[0]);
    case Scheme::kRows:
      return dequantise_rows(streams[0], streams[1]);
  }
  return {};
}

}  // namespace reprise
