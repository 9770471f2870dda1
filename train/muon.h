// Muon: momentum, then the nearest orthogonal matrix of the update instead of the update itself.
//
//   B = momentum * B + (1 - momentum) * G             Nesterov: U = momentum * B + (1 - momentum) *
//   G W = W - rate * (weight_decay * W + sqrt(max(1, rows / columns)) * orthogonal(U))
//
// Keller Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024,
// https://kellerjordan.github.io/posts/muon; weight decay as in Liu et al., "Muon is scalable for
// LLM training", arXiv:2502.16982.
#pragma once

#include <span>
#include <vector>

#include "models/parameters.h"
#include "train/named_tensor.h"

namespace reprise {

/// Moves every singular value of each matrix towards 1 by `iterations` of X <- a X + b (X X^T) X +
/// c (X X^T)^2 X with (a, b, c) = (3.4445, -4.7750, 2.0315), whose slope at 0 is steep and whose
/// fixed region is about [0.7, 1.2]. [N, rows, columns] -> the same shape and type, computed in
/// `compute`. A matrix of zeros stays one.
at::Tensor newton_schulz(const at::Tensor& matrices_NRC, int64_t iterations,
                         at::ScalarType compute);

/// Indices of `matrices` in batches of one shape, in the order given, of 2^20 elements at most (a
/// larger matrix is a batch alone). Muon orthogonalises a batch at once. The batches are fixed
/// because libtorch's batched products round a matrix by which others stand beside it
/// (docs/training.md); where whole batches are left out, the others are planned as before.
std::vector<std::vector<size_t>> plan_matrix_batches(const std::vector<Parameter>& matrices);

struct MuonStep {
  double rate = 0, momentum = 0, weight_decay = 0;
};

/// The matrices of a model, or whole batches of them, so that each batch takes one batched product.
class Muon {
 public:
  /// `compute` is the arithmetic of the iterations; weights and momentum stay in the type of the
  /// parameters.
  Muon(std::vector<Parameter> matrices, int64_t iterations, at::ScalarType compute);

  /// Updates every weight in place from its gradient.
  void step(const MuonStep& step);

  /// "muon.momentum.<name>" for every matrix.
  std::vector<NamedTensor> state() const;

 private:
  struct MatrixBatch {
    std::vector<Parameter> members;
    at::Tensor momentum_NRC;
  };
  std::vector<MatrixBatch> batches_;
  int64_t iterations_;
  at::ScalarType compute_;
};

}  // namespace reprise
