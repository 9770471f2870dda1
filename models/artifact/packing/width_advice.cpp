#include "models/artifact/packing/width_advice.h"

namespace reprise {
namespace {

constexpr int64_t kWidestWidth = 16384;
constexpr double kMargin = 0.01;

/// Bytes of the same kind of file at any width; below 0 where the model has no such width.
class Prediction {
 public:
  Prediction(const UnpackedModel& model, Extreme extreme) : model_(model), extreme_(extreme) {
    for (const HostTensor& tensor : model.tensors)
      elements_ += static_cast<double>(tensor.values.size());
  }
  double bytes_at(int64_t width) const {
    const int64_t elements = model_.elements_at_width ? model_.elements_at_width(width) : 0;
    if (elements == 0) return -1;
    const auto proportional = static_cast<double>(extreme_.bytes - extreme_.fixed_bytes);
    return static_cast<double>(extreme_.fixed_bytes) +
           proportional * static_cast<double>(elements) / elements_;
  }

 private:
  const UnpackedModel& model_;
  Extreme extreme_;
  double elements_ = 0;
};

}  // namespace

std::string advise_smaller_width(const UnpackedModel& model, Extreme smallest, int64_t most_bytes) {
  const Prediction prediction(model, smallest);
  int64_t fitting = 0;
  for (int64_t width = 1; width <= kWidestWidth; ++width) {
    const double bytes = (1 + kMargin) * prediction.bytes_at(width);
    if (bytes > static_cast<double>(most_bytes)) break;
    if (bytes > 0) fitting = width;
  }
  return fitting > 0 ? concat("a width of ", fitting, " would fit")
                     : "no width of this model would fit";
}

std::string advise_larger_width(const UnpackedModel& model, Extreme largest, int64_t least_bytes) {
  const Prediction prediction(model, largest);
  for (int64_t width = 1; width <= kWidestWidth; ++width)
    if ((1 - kMargin) * prediction.bytes_at(width) >= static_cast<double>(least_bytes))
      return concat("a width of ", width, " would fill it");
  return "no width of this model would fill it";
}

}  // namespace reprise
