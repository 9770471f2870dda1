#include "models/calibration/sums.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"

namespace reprise {
namespace {

template <class T>
void add_squares(const TensorSums& tensor, const T* gradient, double* row_squares,
                 double* column_squares) {
  for (int64_t row = 0; row < tensor.rows; ++row, gradient += tensor.columns) {
    double sum = 0;
    for (int64_t column = 0; column < tensor.columns; ++column) {
      const auto value = static_cast<double>(gradient[column]);
      const double square = value * value;
      sum += square;
      column_squares[column] += square;
    }
    row_squares[row] += sum;
  }
}

template <class T>
void add_triangle(int64_t columns, const T* gram, double* triangle) {
  for (int64_t row = 0; row < columns; ++row, gram += columns)
    for (int64_t column = 0; column <= row; ++column)
      *triangle++ += static_cast<double>(gram[column]);
}

/// Calls f with the tensor's elements.
template <class F>
void with_elements(const at::Tensor& tensor, F f) {
  const at::Tensor contiguous = tensor.contiguous();
  if (contiguous.scalar_type() == at::kDouble) return f(contiguous.const_data_ptr<double>());
  f(contiguous.const_data_ptr<float>());
}

std::vector<float> scaled(std::span<const double> sums, double factor) {
  std::vector<float> values(sums.size());
  std::ranges::transform(sums, values.begin(),
                         [&](double sum) { return static_cast<float>(sum * factor); });
  return values;
}

std::vector<double> full_hessian(const TensorSums& tensor, std::span<const double> triangle,
                                 double applications) {
  const auto columns = static_cast<size_t>(tensor.columns);
  std::vector<double> hessian(columns * columns);
  if (applications == 0) return hessian;
  const double* sum = triangle.data();
  for (size_t row = 0; row < columns; ++row)
    for (size_t column = 0; column <= row; ++column)
      hessian[row * columns + column] = hessian[column * columns + row] = *sum++ / applications;
  return hessian;
}

}  // namespace

UseLayout::UseLayout(const std::vector<Parameter>& parameters,
                     const std::set<std::string>& multiplied) {
  const auto take = [&](int64_t numbers) {
    size_ += numbers;
    return size_ - numbers;
  };
  for (const Parameter& parameter : parameters) {
    TensorSums tensor{.name = parameter.name, .multiplied = multiplied.contains(parameter.name)};
    tensor.columns = parameter.tensor.size(-1);
    tensor.rows = parameter.tensor.numel() / tensor.columns;
    tensor.row_squares = take(tensor.rows);
    tensor.column_squares = take(tensor.columns);
    tensor.hessian = take(tensor.triangle());
    tensor.applications = take(tensor.multiplied ? 1 : 0);
    at_[tensor.name] = tensors_.size();
    tensors_.push_back(std::move(tensor));
  }
}

bool UseLayout::multiplies(const std::string& name) const {
  const auto found = at_.find(name);
  return found != at_.end() && tensors_[found->second].multiplied;
}

void add_gradient(const TensorSums& tensor, const at::Tensor& gradient, std::span<double> sums) {
  with_elements(gradient, [&](const auto* elements) {
    add_squares(tensor, elements, sums.data() + tensor.row_squares,
                sums.data() + tensor.column_squares);
  });
}

at::Tensor gram(const at::Tensor& inputs_MC) { return at::mm(inputs_MC.t(), inputs_MC); }

void add_gram(const TensorSums& tensor, const at::Tensor& gram_CC, int64_t applications,
              std::span<double> sums) {
  with_elements(gram_CC, [&](const auto* elements) {
    add_triangle(tensor.columns, elements, sums.data() + tensor.hessian);
  });
  sums[static_cast<size_t>(tensor.applications)] += static_cast<double>(applications);
}

TriangleSource triangles_in(std::shared_ptr<const std::vector<double>> sums) {
  return [sums = std::move(sums)](const TensorSums& tensor) {
    const auto first = sums->begin() + static_cast<ptrdiff_t>(tensor.hessian);
    return std::vector<double>(first, first + static_cast<ptrdiff_t>(tensor.triangle()));
  };
}

std::map<std::string, TensorCalibration> calibration_of(const UseLayout& layout,
                                                        std::span<const double> sums,
                                                        int64_t windows, int64_t length,
                                                        const TriangleSource& triangles) {
  const double tokens = static_cast<double>(windows) * static_cast<double>(length);
  std::map<std::string, TensorCalibration> calibrations;
  for (const TensorSums& tensor : layout.tensors()) {
    const auto part = [&](int64_t first, int64_t count) {
      return sums.subspan(static_cast<size_t>(first), static_cast<size_t>(count));
    };
    const std::span rows = part(tensor.row_squares, tensor.rows);
    const std::span columns = part(tensor.column_squares, tensor.columns);
    const std::span triangle = part(tensor.hessian, tensor.triangle());
    const double total = std::accumulate(rows.begin(), rows.end(), 0.0);
    const bool finite = std::isfinite(total) && std::ranges::all_of(triangle, [](double sum) {
                          return std::isfinite(sum);
                        });
    require(finite, ExitCode::kBadInput, "what was measured of ", tensor.name,
            " is not finite; the model's weights are too large to be used");
    TensorCalibration calibration;
    calibration.row_sensitivity = scaled(rows, 1 / (tokens * static_cast<double>(tensor.columns)));
    calibration.column_sensitivity =
        total > 0 ? scaled(columns, static_cast<double>(tensor.columns) / total)
                  : std::vector<float>(columns.size(), 1.0F);
    if (tensor.multiplied) {
      const double applications = part(tensor.applications, 1)[0];
      calibration.applications = static_cast<int64_t>(applications);
      calibration.read_hessian = [tensor, applications, triangles] {
        return full_hessian(tensor, triangles(tensor), applications);
      };
    }
    calibrations[tensor.name] = std::move(calibration);
  }
  return calibrations;
}

}  // namespace reprise
