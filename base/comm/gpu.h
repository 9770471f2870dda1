// GPUs as far as every build may ask for them. The cuda preset compiles cuda_gpu.cpp behind this,
// the others no_gpu.cpp, which knows of none; so callers need no #ifdef.
#pragma once

#include <string>
#include <vector>

namespace reprise {

struct Gpus {
  bool supported = false;          ///< this program was built for them
  std::vector<std::string> names;  ///< those this process sees, by CUDA's index
};

Gpus find_gpus();

/// Makes GPU `index` the calling thread's, so that nothing lands on another by default. Throws
/// kFailure.
void start_gpu(int index);

/// Returns when the calling thread's GPU has done all that was enqueued on it. Throws kFailure
/// where any of that failed. Not while a collective may be in flight: nothing would notice a lost
/// rank.
void wait_for_gpu();

}  // namespace reprise
