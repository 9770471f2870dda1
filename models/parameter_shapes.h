// Names, roles and shapes of a model's parameters, without allocating: for size predictions and for
// checking a file. They follow from what the pass plan says each layer is made of.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "models/options.h"

namespace reprise {

struct LayerPlan;

/// Decides the optimiser and the quantiser: matrices take Muon, the others AdamW.
enum class Role { kEmbedding, kMatrix, kScalar };

struct ParameterShape {
  std::string name;
  Role role;
  std::vector<int64_t> shape;
};
std::vector<ParameterShape> parameter_shapes(const ModelOptions& options);
/// In double, since the products of sizes that are refused for being too large need not fit.
double elements_of(const ParameterShape& parameter);
/// Those of one layer, of which `plan` is part of the model's.
std::vector<ParameterShape> layer_shapes(const ModelOptions& options, const LayerPlan& plan,
                                         int64_t layer);
/// Elements of all of them, at most 2^62.
int64_t element_count(const ModelOptions& options);

/// Of a pass's own change to a matrix: its factors end in ".down" [r, columns] and ".up" [rows, r],
/// where r is LayerPlan::change_rank, or the matrix's shorter side where that is less.
std::string change_name(std::string_view matrix, int64_t pass);
/// Of a layer's scalars ("mix"), and of those that are a pass's own.
std::string scalar_name(int64_t layer, std::string_view scalar);
std::string own_scalar_name(int64_t layer, int64_t pass, std::string_view scalar);
/// Of one expert's matrix: "layer.2.mlp.up" becomes "layer.2.mlp.up.expert.5".
std::string expert_name(std::string_view matrix, int64_t expert);

}  // namespace reprise
