#include "models/artifact/quantisers/scheme.h"

namespace reprise {

int64_t TensorShape::elements() const {
  int64_t count = 1;
  for (const int64_t length : shape) count *= length;
  return count;
}

std::vector<StreamLayout> TensorShape::streams() const {
  switch (scheme) {
    case Scheme::kHalf:
      return {{Cause::kValues, 2 * elements(), 2}};
    case Scheme::kRows:
      return {{Cause::kScales, 2 * rows(), 2}, {Cause::kCodes, elements(), 1}};
  }
  return {};
}

}  // namespace reprise
