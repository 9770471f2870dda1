#include "base/version.h"

#include "base/format.h"

namespace reprise {

std::string version() { return REPRISE_VERSION; }

std::string build_summary() {
#ifdef NDEBUG
  constexpr const char* kind = "optimised";
#else
  constexpr const char* kind = "with assertions";
#endif
  return concat("g++ ", __VERSION__, ", ", kind);
}

}  // namespace reprise
