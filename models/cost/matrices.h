// What a parameter of a layer is, by its name (models/parameter_shapes.h).
#pragma once

#include <string_view>

#include "models/parameter_shapes.h"

namespace reprise {

inline bool is_change(std::string_view matrix) { return matrix.find(".lora.") != matrix.npos; }
/// Of a pass, where passes have scalars of their own.
inline bool is_own_scalar(std::string_view parameter) {
  return parameter.find(".pass.") != parameter.npos;
}
inline bool is_of_expert(std::string_view matrix) { return matrix.find(".expert.") != matrix.npos; }
inline bool is_router(std::string_view matrix) { return matrix.ends_with(".router"); }
/// Says how a matrix is made from the basis.
inline bool is_of_basis(std::string_view matrix) { return matrix.ends_with(".terms"); }

}  // namespace reprise
