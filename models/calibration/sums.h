// What windows of text say of every tensor of a model, as sums in fp64 that lie in one list of
// numbers: to be added, sent and stored as one.
//
// Of a tensor with rows i and columns j, over windows w with gradient g of the window's loss:
//
//   row squares     sum_w sum_j g_ij^2        column squares   sum_w sum_i g_ij^2
//   hessian         sum over applications of x x^T, its lower triangle row by row; and how many
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "models/artifact/quantisers/calibration.h"
#include "models/parameters.h"

namespace reprise {

/// Where one tensor's sums lie in the list.
struct TensorSums {
  std::string name;
  int64_t rows = 1, columns = 1;  ///< as TensorCalibration has them
  bool multiplied = false;        ///< inputs are multiplied by it as it is stored
  int64_t row_squares = 0, column_squares = 0, hessian = 0, applications = 0;
  int64_t triangle() const { return multiplied ? columns * (columns + 1) / 2 : 0; }
};

class UseLayout {
 public:
  /// `multiplied`: names of the tensors that have a Hessian.
  UseLayout(const std::vector<Parameter>& parameters, const std::set<std::string>& multiplied);

  const std::vector<TensorSums>& tensors() const { return tensors_; }  ///< in the model's order
  int64_t size() const { return size_; }                               ///< numbers in all
  bool multiplies(const std::string& name) const;
  /// One that multiplies() knows.
  const TensorSums& operator[](const std::string& name) const { return tensors_[at_.at(name)]; }

 private:
  std::vector<TensorSums> tensors_;
  std::map<std::string, size_t> at_;
  int64_t size_ = 0;
};

/// The gradient of one window, of the tensor's shape, fp32 or fp64.
void add_gradient(const TensorSums& tensor, const at::Tensor& gradient, std::span<double> sums);

/// x^T x of rows [M, columns], computed in their type: in fp32 a window's part is right to some
/// 2^-24 of its largest elements, and the sum over windows adds no rounding that matters.
at::Tensor gram(const at::Tensor& inputs_MC);
void add_gram(const TensorSums& tensor, const at::Tensor& gram_CC, int64_t applications,
              std::span<double> sums);

/// Reads a tensor's sums of x x^T, `triangle()` numbers, wherever they are kept.
using TriangleSource = std::function<std::vector<double>(const TensorSums&)>;
TriangleSource triangles_in(std::shared_ptr<const std::vector<double>> sums);

/// Sums over `windows` windows of `length` tokens as what quantisers read: F_ij ~ row_i column_j is
/// the product of the row means and the column means of g_ij^2 / length over their mean, which has
/// the sums of all rows and all columns, and is the one of least I-divergence (Shazeer and Stern,
/// "Adafactor", arXiv:1804.04235, section 3). Hessians come from `triangles`, whenever they are
/// asked for; `layout` and `sums` may be gone by then. Throws kBadInput, naming the tensor, where a
/// sum is not finite.
std::map<std::string, TensorCalibration> calibration_of(const UseLayout& layout,
                                                        std::span<const double> sums,
                                                        int64_t windows, int64_t length,
                                                        const TriangleSource& triangles);

}  // namespace reprise
