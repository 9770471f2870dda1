#include "models/artifact/quantisers/form.h"

#include "base/error.h"
#include "models/artifact/quantisers/half_quantiser.h"
#include "models/artifact/quantisers/row_quantiser.h"

namespace reprise {

int64_t TensorShape::elements() const {
  int64_t count = 1;
  for (const int64_t length : shape) count *= length;
  return count;
}

std::vector<StreamLayout> TensorShape::streams() const {
  switch (form.scheme) {
    case Scheme::kHalf:
      return {{.cause = Cause::kValues, .bytes = 2 * elements(), .element_bytes = 2}};
    case Scheme::kRows:
      return {{.cause = Cause::kScales, .bytes = 2 * rows(), .element_bytes = 2},
              {.cause = Cause::kCodes, .bytes = elements(), .row_bytes = columns()}};
  }
  return {};
}

void check_form(const TensorShape& tensor) {
  require(tensor.form == Form{tensor.form.scheme}, ExitCode::kBadInput, "tensor ", tensor.name,
          " has what the scheme ", enum_name(tensor.form.scheme), " has no place for");
}

std::vector<float> dequantise(const TensorShape& shape, std::span<const std::string_view> streams) {
  switch (shape.form.scheme) {
    case Scheme::kHalf:
      return dequantise_half(streams[0]);
    case Scheme::kRows:
      return dequantise_rows(streams[0], streams[1]);
  }
  return {};
}

}  // namespace reprise
