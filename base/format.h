// Text out of values. libtorch and spdlog bring two versions of fmt that cannot meet in one file,
// so neither is used here.
#pragma once

#include <cstdint>
#include <sstream>
#include <string>

namespace reprise {

/// The parts written one after the other, as operator<< writes them.
template <class... Parts>
std::string concat(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

/// `value` with `digits` behind the point: fixed(1.25, 1) == "1.2".
inline std::string fixed(double value, int digits) {
  std::ostringstream out;
  out.precision(digits);
  out << std::fixed << value;
  return out.str();
}

}  // namespace reprise
