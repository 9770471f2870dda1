#include "eval/model.h"

#include <ATen/ATen.h>

#include <set>

#include "base/error.h"
#include "eval/stored_head.h"

namespace reprise {
namespace {

Parameters decoded_parameters(const Artifact& artifact, const ModelOptions& options,
                              at::Device device) {
  Parameters parameters(options, /*seed=*/0, device);
  std::set<std::string> assigned;
  for (const HostTensor& tensor : artifact.tensors) {
    if (is_of_head(tensor)) continue;
    require(assigned.insert(tensor.name).second, ExitCode::kBadInput, "the artifact holds ",
            tensor.name, " twice");
    parameters.assign(tensor.name, at::from_blob(const_cast<float*>(tensor.values.data()),
                                                 tensor.shape, at::kFloat));
  }
  for (const Parameter& parameter : parameters.list())
    require(assigned.contains(parameter.name), ExitCode::kBadInput, "the artifact lacks ",
            parameter.name);
  return parameters;
}

}  // namespace

ModelOptions model_options(const Artifact& artifact) {
  ModelOptions options;
  try {
    OptionSet set("eval", "");
    set.add("model", options);
    set.read_json({{"model", artifact.model}});
    validate(options);
  } catch (const Error& error) {
    fail(ExitCode::kBadInput, "the artifact's model section: ", error.what());
  }
  return options;
}

Network make_network(const Artifact& artifact, Arithmetic arithmetic, at::Device device) {
  const at::NoGradGuard no_grad;
  const ModelOptions options = model_options(artifact);
  return Network(options, decoded_parameters(artifact, options, device),
                 arithmetic == Arithmetic::kBf16 ? at::kBFloat16 : at::kFloat);
}

void require_tokenizer(const Artifact& artifact, const Corpus& corpus) {
  const std::string digest = corpus.tokenizer().digest();
  require(artifact.tokenizer == digest, ExitCode::kBadInput,
          "the artifact reads tokens of tokenizer ", artifact.tokenizer.substr(0, 12),
          ", the corpus holds those of ", digest.substr(0, 12),
          "; tokenise the text with the artifact's");
}

}  // namespace reprise
