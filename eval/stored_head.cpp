#include "eval/stored_head.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "eval/model.h"

namespace reprise {
namespace {

GateReads read_reads(const std::string& stored) {
  for (const auto& [reads, name] : EnumNames<GateReads>::names)
    if (stored == name) return reads;
  fail(ExitCode::kBadInput, "the artifact's gate reads '", stored,
       "', which no head of this program does; pack it again");
}

const HostTensor* find(const Artifact& artifact, const std::string& parameter) {
  const auto found =
      std::ranges::find(artifact.tensors, concat(kGatePrefix, parameter), &HostTensor::name);
  return found == artifact.tensors.end() ? nullptr : &*found;
}

HeadOptions head_options(const Artifact& artifact) {
  HeadOptions options{.reads = read_reads(artifact.gate.head_reads), .shape = GateShape::kLinear};
  if (const HostTensor* hidden = find(artifact, "hidden.bias")) {
    options.shape = GateShape::kMlp;
    options.hidden = std::ssize(hidden->values);
  }
  return options;
}

at::Tensor floats(const std::vector<float>& values) { return at::tensor(values, at::kFloat); }

/// [N, kGateSignals].
at::Tensor signals_of_head(const Predictions& predictions, int64_t vocab) {
  return at::stack({floats(predictions.entropy) / std::log(static_cast<double>(vocab)),
                    floats(predictions.margin), floats(predictions.max_probability)},
                   -1);
}

}  // namespace

std::vector<float> StoredHead::scores(const at::Tensor& features_ND, const Predictions& predictions,
                                      int64_t vocab) const {
  const at::NoGradGuard no_grad;
  const at::Tensor signals_NS = signals_of_head(predictions, vocab).to(features_ND.device());
  const at::Tensor scores_N =
      head_.scores(gate_inputs(options_, features_ND.to(at::kFloat), signals_NS)).cpu();
  return {scores_N.const_data_ptr<float>(), scores_N.const_data_ptr<float>() + scores_N.numel()};
}

std::shared_ptr<const StoredHead> stored_head(const Artifact& artifact, at::Device device) {
  const auto of_head = std::ranges::count_if(artifact.tensors, is_of_head);
  if (artifact.gate.head_reads.empty()) {
    require(of_head == 0, ExitCode::kBadInput, "the artifact holds ", of_head,
            " tensors of a gate's head, which its gate does not read");
    return nullptr;
  }
  const at::NoGradGuard no_grad;
  const HeadOptions options = head_options(artifact);
  const int64_t inputs = gate_inputs(options, model_options(artifact).width);
  const GateHead head(options, inputs, /*seed=*/0, device);
  for (const Parameter& parameter : head.list()) {
    const HostTensor* stored = find(artifact, parameter.name);
    require(stored && at::IntArrayRef(stored->shape) == parameter.tensor.sizes(),
            ExitCode::kBadInput, "the artifact's gate lacks ", parameter.name, " of shape ",
            parameter.tensor.sizes());
    parameter.tensor.detach().copy_(floats(stored->values).view(stored->shape));
  }
  require(of_head == std::ssize(head.list()), ExitCode::kBadInput, "the artifact holds ", of_head,
          " tensors of a gate's head that has ", head.list().size());
  return std::make_shared<const StoredHead>(options, head);
}

}  // namespace reprise
