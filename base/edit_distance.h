// How far apart two texts are.
#pragma once

#include <cstddef>
#include <string_view>

namespace reprise {

/// The fewest bytes to insert, remove or replace that turn `a` into `b`. Costs their lengths'
/// product.
size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace reprise
