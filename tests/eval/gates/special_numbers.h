// Numbers that a gate's tests need by name.
#pragma once

#include <limits>

namespace reprise {

inline constexpr float kInfinity = std::numeric_limits<float>::infinity();
inline constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

}  // namespace reprise
