// The weights of a model as an ordered list of named tensors: what training updates, checkpoints
// store and the packer packs.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "models/options.h"

namespace reprise {

/// Decides the optimiser and the quantiser: matrices take Muon, the others AdamW.
enum class Role { kEmbedding, kMatrix, kScalar };

struct Parameter {
  std::string name;  ///< "embedding", "layer.3.attention.query", ...
  Role role = Role::kMatrix;
  at::Tensor tensor;  ///< fp32 (fp64 in gradient checks), a leaf that requires gradients
};

/// What a lookup gives in place of a parameter's tensor, recorded by autograd when it is looked up.
using ParameterView = std::function<at::Tensor(const Parameter&)>;

class Parameters {
 public:
  /// Fresh weights; a pure function of (options, seed), the same on every rank and device.
  Parameters(const ModelOptions& options, uint64_t seed, at::Device device = at::kCPU,
             at::ScalarType type = at::kFloat);

  const std::vector<Parameter>& list() const { return list_; }
  /// Throws kBadInput for a name the model has not.
  at::Tensor operator[](std::string_view name) const;
  /// The same parameters, whose lookups go through `view`: for a network that sees other weights
  /// than those that are trained. list() stays the trained ones.
  Parameters seen_through(ParameterView view) const;
  int64_t count() const;  ///< elements
  /// Copies `values` (any dtype) over the parameter of that name; throws kBadInput on another
  /// shape.
  void assign(std::string_view name, const at::Tensor& values);

 private:
  const Parameter& find(std::string_view name) const;

  std::vector<Parameter> list_;
  ParameterView view_;  ///< may be empty
};

/// Of a pass's own change to a matrix: its factors end in ".down" [r, columns] and ".up" [rows, r].
std::string change_name(std::string_view matrix, int64_t pass);

/// Names, roles and shapes without allocating: for size predictions and for checking a file.
struct ParameterShape {
  std::string name;
  Role role;
  std::vector<int64_t> shape;
};
std::vector<ParameterShape> parameter_shapes(const ModelOptions& options);
/// Elements of all of them.
int64_t element_count(const ModelOptions& options);

}  // namespace reprise
