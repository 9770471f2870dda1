// The commit this program was built from. Apart from reprise_base, so that a commit relinks only
// what stores it.
#pragma once

#include <string>

namespace reprise {

/// "0123456789ab", with "-dirty" behind it where tracked files differed; "unknown" outside a git
/// checkout.
std::string revision();

}  // namespace reprise
