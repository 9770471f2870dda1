// What this program was built from.
#pragma once

#include <string>

namespace reprise {

std::string version();        ///< "0.1.0"
std::string build_summary();  ///< compiler and build type, for --version and for stored outputs

}  // namespace reprise
