// What `reprise --version` prints.
#pragma once

#include <string>

namespace reprise {

/// The program's version and build, then one line for every library: name and the version found at
/// run time.
std::string version_text();

}  // namespace reprise
