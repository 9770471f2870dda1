#include "train/model_weights.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <set>

namespace reprise {

void assign_weights(const ModelFile& file, Parameters& parameters) {
  const torch::autograd::AutoGradMode no_graph(false);
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
}

}  // namespace reprise
