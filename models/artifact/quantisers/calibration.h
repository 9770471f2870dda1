// What a quantiser may know of how a tensor is used, measured on train text: plain numbers, so that
// a quantiser needs no network.
//
// The loss changes by about 1/2 sum_ij F_ij dW_ij^2 when weights change by dW, where F is the
// Fisher diagonal; F_ij ~ row_i column_j keeps what a few sequences can tell of it. Where the
// tensor is a matrix that inputs x are multiplied by, y = W x, errors of one row act together:
// their sum of squares at the output is dW_i H dW_i^T with H = sum x x^T over every application of
// the matrix (Frantar et al., "GPTQ", arXiv:2210.17323, equation 1).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace reprise {

struct TensorCalibration {
  /// F_ij ~ row_sensitivity[i] * column_sensitivity[j], in nats a token for a unit of weight
  /// squared. A tensor [A, ..., C] has columns C and rows A * ... .
  std::vector<float> row_sensitivity, column_sensitivity;
  /// Gives H / applications, [columns, columns] row-major, symmetric; null for a tensor that no
  /// input is multiplied by as it is stored. Makes it anew at every call: a model's Hessians
  /// together outweigh its weights, and are needed one after the other.
  std::function<std::vector<double>()> read_hessian = {};
  int64_t applications = 0;  ///< rows x that H sums, over all passes
};

struct Calibration {
  std::string text;    ///< digest of the train text it was measured on, in hex
  int64_t tokens = 0;  ///< of that text
  std::map<std::string, TensorCalibration> tensors;
};

}  // namespace reprise
