#include "launch/pack_model.h"

#include <ATen/core/Tensor.h>

#include "models/artifact/artifact.h"
#include "models/parameters.h"
#include "train/gate/gate_file.h"
#include "train/model_file.h"

namespace reprise {
namespace {

/// Of the model at another width; none where its heads do not divide that evenly.
std::vector<TensorShape> tensors_at_width(ModelOptions options, int64_t width) {
  std::vector<TensorShape> tensors;
  if (width % (2 * options.heads) != 0) return tensors;
  options.width = width;
  for (const ParameterShape& parameter : parameter_shapes(options))
    tensors.push_back({parameter.name, {}, parameter.shape});
  return tensors;
}

void require_gate_of(const GateFile& gate, const ModelFile& model, const Corpus& corpus,
                     const PackOptions& options) {
  nlohmann::json own = model.record().at("config").at("model");  // two may have the same weights
  own["sha256"] = model.record().at("model_sha256");
  require(gate.model() == own, ExitCode::kBadInput, options.gate,
          ": a head trained on another model than ", options.model, "; train it with --gate.model ",
          options.model);
  require(gate.record().at("identity").at("corpus").at("train") == corpus.digest(Split::kTrain),
          ExitCode::kBadInput, options.gate,
          ": a head trained on another text than the train split "
          "of ",
          options.corpus, ", where it may have seen what will be scored");
  const int64_t after = gate.record().at("config").at("gate").at("after");
  require(after == 0 || after == model.options().passes, ExitCode::kBadInput, options.gate,
          ": a head behind pass ", after, "; an artifact's gate stands behind the last of ",
          model.options().passes, ", which --gate.after 0 means");
}

void add_head(const GateFile& gate, UnpackedModel& model) {
  model.head_reads = enum_name(gate.options().reads);
  for (const Parameter& parameter : gate.head().list()) {
    const at::Tensor values = parameter.tensor.detach().contiguous();
    const float* first = values.const_data_ptr<float>();
    model.tensors.push_back({concat(kGatePrefix, parameter.name),
                             values.sizes().vec(),
                             {first, first + values.numel()}});
  }
}

}  // namespace

Trained read_trained(const PackOptions& options, const Corpus& corpus) {
  const ModelFile file(options.model);
  file.require_tokenizer(corpus.tokenizer().digest(), options.corpus);
  Trained trained{file.record(), file.options(), file.key_rule(), nullptr};
  if (options.gate.empty()) return trained;
  const GateFile gate(options.gate);
  require_gate_of(gate, file, corpus, options);
  trained.gate = gate.record();
  return trained;
}

UnpackedModel read_weights(const PackOptions& options, const Tokenizer& tokenizer) {
  const ModelFile file(options.model);
  UnpackedModel model;
  model.model = file.record()["config"]["model"];
  model.tokenizer = file.tokenizer();
  model.keys = file.key_rule();
  if (options.carry_tokenizer) model.tokenizer_model = tokenizer.model_bytes();
  for (const ArrayView& array : file.arrays())
    model.tensors.push_back({array.name, array.shape, float_values(array)});
  if (!options.gate.empty()) add_head(GateFile(options.gate), model);
  model.tensors_at_width = [shape = file.options()](int64_t width) {
    return tensors_at_width(shape, width);
  };
  return model;
}

}  // namespace reprise
