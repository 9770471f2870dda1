#include "base/comm/gpu.h"
#include "base/error.h"

namespace reprise {

Gpus find_gpus() { return {}; }

void start_gpu(int index) {
  fail(ExitCode::kFailure, "GPU ", index,
       " cannot be started: this program was built without CUDA");
}

void wait_for_gpu() {}

}  // namespace reprise
