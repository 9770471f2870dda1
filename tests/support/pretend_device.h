// A device for tests that ask whether code computes where its tensors lie, on machines without a
// GPU.
//
// It holds its tensors in the host's memory and runs the host's operators, but like a GPU it
// refuses to mix them with tensors of the host (scalars excepted), and no kernel of ours takes
// them. So what runs on it makes, moves and reads its tensors as a GPU wants it; of CUDA itself it
// says nothing. Linking it in registers it, as libtorch's PrivateUse1.
#pragma once

#include <ATen/core/Tensor.h>

namespace reprise::test {

at::Device pretend_device();

}  // namespace reprise::test
