#include "train/gate/frozen_model.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <set>

#include "train/batch_share.h"

namespace reprise {

Parameters load_parameters(const ModelFile& file, at::Device device) {
  Parameters parameters(file.options(), /*seed=*/0, device);
  std::set<std::string> given;
  for (const ArrayView& array : file.arrays()) {
    const std::vector<float> values = float_values(array);
    parameters.assign(array.name,
                      at::from_blob(const_cast<float*>(values.data()), array.shape, at::kFloat));
    given.insert(array.name);
  }
  for (const Parameter& parameter : parameters.list())
    require(given.contains(parameter.name), ExitCode::kBadInput, "the model lacks ",
            parameter.name);
  return parameters;
}

SampleSource live_samples(const ModelFile& file, const FrozenRun& run, const BatchSource& batches,
                          at::Device device) {
  const torch::autograd::AutoGradMode no_graph(false);
  const Network network(file.options(), load_parameters(file, device), run.compute);
  return [network, run, batches, device](int64_t batch, int64_t first, int64_t count) {
    const Batch tokens = to_tensors(batches(batch, first, count), first, device);
    return observe(network, tokens, run.observe, run.keeps_state);
  };
}

}  // namespace reprise
