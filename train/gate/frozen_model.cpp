#include "train/gate/frozen_model.h"

#include <torch/csrc/autograd/grad_mode.h>

#include "train/batch_share.h"
#include "train/model_weights.h"

namespace reprise {

Network load_frozen(const ModelFile& file, at::ScalarType compute, at::Device device) {
  const torch::autograd::AutoGradMode no_graph(false);
  Parameters parameters(file.options(), /*seed=*/0, device);
  assign_weights(file, parameters);
  return Network(file.options(), parameters, compute);
}

SampleSource live_samples(const Network& network, const FrozenRun& run,
                          const BatchSource& batches) {
  return [network, run, batches](int64_t batch, int64_t first, int64_t count) {
    const Batch tokens = to_tensors(batches(batch, first, count), first, run.device);
    return observe(network, tokens, run.observe, run.keeps_state);
  };
}

}  // namespace reprise
