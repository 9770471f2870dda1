// The weights of a model as an ordered list of named tensors: what training updates, checkpoints
// store and the packer packs.
#pragma once

#include <ATen/core/Tensor.h>

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

class Parameters {
 public:
  /// Fresh weights; a pure function of (options, seed), the same on every rank and device.
  Parameters(const ModelOptions& options, uint64_t seed, at::Device device = at::kCPU,
             at::ScalarType type = at::kFloat);

  const std::vector<Parameter>& list() const { return list_; }
  const at::Tensor& operator[](
      std::string_view name) const;  ///< throws kBadInput for a name the model has not
  int64_t count() const;             ///< elements
  /// Copies `values` (any dtype) over the parameter of that name; throws kBadInput on another
  /// shape.
  void assign(std::string_view name, const at::Tensor& values);

 private:
  std::vector<Parameter> list_;
};

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
