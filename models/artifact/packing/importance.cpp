#include "models/artifact/packing/importance.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace reprise {
namespace {

/// Tensors whose gradient was never anything but zero still count for so much of the mean.
constexpr double kLeastShare = 1e-6;

const TensorCalibration& calibration_of(const UnpackedModel& model, const HostTensor& tensor) {
  const auto& known = model.calibration->tensors;
  const auto found = known.find(tensor.name);
  require(found != known.end(), ExitCode::kBadInput, "the calibration knows no tensor ",
          tensor.name, "; measure it again");
  const TensorCalibration& calibration = found->second;
  require(calibration.row_sensitivity.size() * calibration.column_sensitivity.size() ==
              tensor.values.size(),
          ExitCode::kBadInput, "the calibration knows tensor ", tensor.name,
          " by another shape; measure it again");
  return calibration;
}

/// sum_ij rows_i columns_j weights_ij^2.
double distortion_of_losing(const HostTensor& tensor, const Importance& importance) {
  const size_t columns = importance.columns.size();
  double sum = 0;
  for (size_t i = 0; i < importance.rows.size(); ++i) {
    double row = 0;
    for (size_t j = 0; j < columns; ++j) {
      const double weight = tensor.values[i * columns + j];
      row += importance.columns[j] * weight * weight;
    }
    sum += importance.rows[i] * row;
  }
  return sum;
}

/// Of floors: a row or column that no gradient reached is not free, only little known.
void lift(std::vector<float>& sensitivity) {
  double sum = 0;
  for (const float value : sensitivity) sum += value;
  const auto least =
      static_cast<float>(kLeastShare * sum / static_cast<double>(sensitivity.size()));
  for (float& value : sensitivity) value = std::max(value, least);
}

ModelImportance by_fisher(const UnpackedModel& model) {
  ModelImportance importance;
  double all = 0, weights = 0;
  for (const HostTensor& tensor : model.tensors) {
    const TensorCalibration& calibration = calibration_of(model, tensor);
    Importance own{calibration.row_sensitivity, calibration.column_sensitivity};
    lift(own.rows), lift(own.columns);
    all += distortion_of_losing(tensor, own);
    weights += static_cast<double>(tensor.values.size());
    importance.tensors.push_back(std::move(own));
  }
  require(all > 0 && std::isfinite(all), ExitCode::kBadInput,
          "the calibration finds no weight that the loss depends on; measure it again");
  for (Importance& own : importance.tensors)
    for (float& value : own.rows) value = static_cast<float>(value * weights / all);
  importance.nats = all / weights / 2;
  return importance;
}

}  // namespace

ModelImportance importance_of(const UnpackedModel& model, Sensitivity sensitivity) {
  if (sensitivity == Sensitivity::kFisher) {
    require(model.calibration.has_value(), ExitCode::kUsage,
            "sensitivity by fisher needs a calibration of the model");
    return by_fisher(model);
  }
  ModelImportance importance;
  for (const HostTensor& tensor : model.tensors)
    importance.tensors.push_back(relative_importance(tensor));
  return importance;
}

}  // namespace reprise
