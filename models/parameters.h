// The weights of a model as an ordered list of named tensors: what training updates, checkpoints
// store and the packer packs.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "models/parameter_shapes.h"

namespace reprise {

struct Parameter {
  std::string name;  ///< "embedding", "layer.3.attention.query", ...
  Role role = Role::kMatrix;
  at::Tensor tensor;  ///< fp32 (fp64 in gradient checks), a leaf that requires gradients
};

/// Those of this role, in their order.
std::vector<Parameter> with_role(const std::vector<Parameter>& parameters, Role role);

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
  /// Which vectors of the basis the rows of that parameter weigh (basis.h): follows from the
  /// options, so that it is neither trained nor stored. On the parameters' device.
  const at::Tensor& chosen_terms(const std::string& name) const { return chosen_terms_.at(name); }
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
  std::map<std::string, at::Tensor> chosen_terms_;
  ParameterView view_;  ///< may be empty
};

}  // namespace reprise
