// Independent work on the cores of the machine; what comes out does not depend on how many there
// are, since every index writes its own place.
#pragma once

#include <cstddef>
#include <functional>

namespace reprise {

/// Calls work(0) ... work(count - 1), each once, on up to `threads` threads (0: as many as the
/// process may use cores).
/// Throws what the lowest failing index threw.
void parallel_for(size_t count, const std::function<void(size_t)>& work, size_t threads = 0);

}  // namespace reprise
