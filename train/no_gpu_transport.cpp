#include "base/error.h"
#include "train/transport.h"

namespace reprise {

std::unique_ptr<Transport> make_gpu_transport(int gpu, Communicator&) {
  fail(ExitCode::kFailure, "gradients on GPU ", gpu,
       " cannot be reduced: this program was built without CUDA");
}

}  // namespace reprise
