#include "models/artifact/packing/importance.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "models/artifact/artifact.h"

namespace reprise {
namespace {

/// Tensors whose gradient was never anything but zero still count for so much of the mean.
constexpr double kLeastShare = 1e-6;

/// Of what a weight counts for by its row's mean square, added to what was measured. The Fisher
/// diagonal is that of errors too small to change the model; at low rates what it calls free is
/// taken away whole. On a static and a recurrent model at 4 and 2 bits shares from 0.01 to 0.1 do
/// about alike; without, a model trained with an entropy penalty lost 0.13 bits per byte at 4 bits
/// instead of 0.004.
constexpr double kRelativeShare = 0.03;

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

/// Every weight's error counts by the inverse of its row's mean square, or where a row is next to
/// nothing by that of so much of the tensor's.
Importance relative_to_rows(const HostTensor& tensor) {
  constexpr double kLeastOfTensor = 1e-3;
  Importance importance = relative_importance(tensor);
  const size_t columns = importance.columns.size();
  for (size_t i = 0; i < importance.rows.size(); ++i) {
    double squares = 0;
    for (size_t j = 0; j < columns; ++j) {
      const double weight = tensor.values[i * columns + j];
      squares += weight * weight;
    }
    const double relative = importance.rows[i] * squares / static_cast<double>(columns);
    importance.rows[i] =
        static_cast<float>(importance.rows[i] / std::max(relative, kLeastOfTensor));
  }
  return importance;
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

/// `measured` by `factor`, and with it a share of what every weight counts for in its row.
Importance blended(Importance measured, double factor, const Importance& relative) {
  double mean = 0;
  for (const float value : measured.columns) mean += value;
  mean /= static_cast<double>(measured.columns.size());
  for (float& value : measured.columns) value = static_cast<float>(value / mean + kRelativeShare);
  for (size_t i = 0; i < measured.rows.size(); ++i)
    measured.rows[i] =
        static_cast<float>(measured.rows[i] * mean * factor + kRelativeShare * relative.rows[i]);
  return measured;
}

/// No loss on text says what a gate's weights are worth; they stay whole whatever is known.
bool is_of_gate(const HostTensor& tensor) { return tensor.name.starts_with(kGatePrefix); }

std::vector<Importance> by_fisher(const UnpackedModel& model) {
  std::vector<Importance> importance;
  double all = 0, weights = 0;
  for (const HostTensor& tensor : model.tensors) {
    if (is_of_gate(tensor)) {
      importance.push_back(relative_importance(tensor));
      continue;
    }
    const TensorCalibration& calibration = calibration_of(model, tensor);
    Importance own{calibration.row_sensitivity, calibration.column_sensitivity};
    lift(own.rows), lift(own.columns);
    all += distortion_of_losing(tensor, own);
    weights += static_cast<double>(tensor.values.size());
    importance.push_back(std::move(own));
  }
  require(all > 0 && std::isfinite(all), ExitCode::kBadInput,
          "the calibration finds no weight that the loss depends on; measure it again");
  for (size_t t = 0; t < model.tensors.size(); ++t) {
    if (is_of_gate(model.tensors[t])) continue;
    importance[t] = blended(importance[t], weights / all, relative_to_rows(model.tensors[t]));
  }
  return importance;
}

}  // namespace

std::vector<Importance> importance_of(const UnpackedModel& model, Sensitivity sensitivity) {
  if (sensitivity == Sensitivity::kFisher) {
    require(model.calibration.has_value(), ExitCode::kUsage,
            "sensitivity by fisher needs a calibration of the model");
    return by_fisher(model);
  }
  std::vector<Importance> importance;
  for (const HostTensor& tensor : model.tensors) importance.push_back(relative_importance(tensor));
  return importance;
}

}  // namespace reprise
