#include "models/artifact/packing/width_advice.h"

#include <algorithm>

#include "models/artifact/packing/estimate.h"

namespace reprise {
namespace {

constexpr int64_t kWidestWidth = 16384;
constexpr double kMargin = 0.02;
/// Sizes need not rise with the width where tensors grow too large to be kept as values; from so
/// many times the target on they do not come back.
constexpr double kFarBeyond = 16;

struct Split {
  double codes = 0, rest = 0;  ///< weights that become codes; bits of all else
};

Split split(std::vector<TensorShape> tensors, const QuantiserOptions& options) {
  Split sum;
  for (const TensorShape& tensor : stored_shapes(std::move(tensors), options)) {
    sum.rest += estimated_bits(tensor, 0);
    sum.codes += estimated_bits(tensor, 1) - estimated_bits(tensor, 0);
  }
  return sum;
}

/// Bytes of the same kind of file at any width; below 0 where the model has no such width.
class Prediction {
 public:
  Prediction(const UnpackedModel& model, const QuantiserOptions& options, Extreme extreme)
      : model_(model), options_(options), fixed_(static_cast<double>(extreme.fixed_bytes)) {
    std::vector<TensorShape> tensors;
    for (const HostTensor& tensor : model.tensors)
      tensors.push_back({tensor.name, {}, tensor.shape});
    const Split own = split(std::move(tensors), options);
    const double all = 8 * (static_cast<double>(extreme.bytes) - fixed_);
    code_bits_ = own.codes > 0 ? std::max((all - own.rest) / own.codes, 0.0) : 0;
    if (own.codes == 0 && own.rest > 0) rest_share_ = all / own.rest;
  }
  double bytes_at(int64_t width) const {
    const auto tensors =
        model_.tensors_at_width ? model_.tensors_at_width(width) : std::vector<TensorShape>{};
    if (tensors.empty()) return -1;
    const Split other = split(tensors, options_);
    return fixed_ + (other.codes * code_bits_ + other.rest * rest_share_) / 8;
  }

 private:
  const UnpackedModel& model_;
  const QuantiserOptions& options_;
  double fixed_ = 0;
  double code_bits_ = 0;
  /// Of the estimate, where no scheme's codes take what the slope says: what the extreme came to.
  double rest_share_ = 1;
};

}  // namespace

std::string advise_smaller_width(const UnpackedModel& model, const QuantiserOptions& options,
                                 Extreme smallest, int64_t most_bytes) {
  const Prediction prediction(model, options, smallest);
  int64_t fitting = 0;
  for (int64_t width = 1; width <= kWidestWidth; ++width) {
    const double bytes = (1 + kMargin) * prediction.bytes_at(width);
    if (bytes > kFarBeyond * static_cast<double>(most_bytes)) break;
    if (0 < bytes && bytes <= static_cast<double>(most_bytes)) fitting = width;
  }
  return fitting > 0 ? concat("a width of ", fitting, " would fit")
                     : "no width of this model would fit";
}

std::string advise_larger_width(const UnpackedModel& model, const QuantiserOptions& options,
                                Extreme largest, int64_t least_bytes) {
  const Prediction prediction(model, options, largest);
  for (int64_t width = 1; width <= kWidestWidth; ++width)
    if ((1 - kMargin) * prediction.bytes_at(width) >= static_cast<double>(least_bytes))
      return concat("a width of ", width, " would fill it");
  return "no width of this model would fill it";
}

}  // namespace reprise
