#include "base/pace.h"

namespace reprise {

bool Pace::due() {
  const auto now = Clock::now();
  if (now - last_ < pause_) return false;
  last_ = now;
  return true;
}

}  // namespace reprise
