#include "tests/eval/tiny_world.h"

#include <ATen/ATen.h>

#include <array>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/random.h"
#include "data/build.h"

namespace reprise {
namespace {

/// Words drawn from a few, so that a tokenizer finds pieces and no two documents are alike.
std::string make_text(uint32_t document, int64_t words) {
  constexpr std::array kWords = {"the",   "second", "look", "at",     "a",     "token",
                                 "is",    "worth",  "more", "than",   "bytes", "it",
                                 "costs", "naïve",  "or",   "not",    "→",     "42",
                                 "when",  "model",  "sure", "unsure", "gate",  "pass"};
  const RandomStream draw(11, Purpose::kTest, document);
  std::string text = concat("Document ", document, "\n");
  for (int64_t w = 0; w < words; ++w)
    text += concat(kWords[draw.below(static_cast<uint64_t>(w), kWords.size())],
                   w % 9 == 8 ? ".\n" : " ");
  return text;
}

/// Copies of the weights, as packing and reading back would give them.
std::vector<HostTensor> host_tensors(const Parameters& parameters) {
  std::vector<HostTensor> tensors;
  for (const Parameter& parameter : parameters.list()) {
    const at::Tensor values = parameter.tensor.detach().contiguous();
    const float* data = values.const_data_ptr<float>();
    tensors.push_back({parameter.name, values.sizes().vec(), {data, data + values.numel()}});
  }
  return tensors;
}

}  // namespace

void write_tiny_corpus(const std::filesystem::path& folder) {
  const auto text = folder / "text";
  for (uint32_t document = 0; document < 72; ++document) {
    const auto domain = text / (document % 3 == 0 ? "prose" : "code");
    make_folder(domain);
    write_file(domain / concat(document, ".txt"), make_text(document, 3 + (document * 37) % 160));
  }
  DataOptions options;
  options.source = {(text / "prose").string(), (text / "code").string()};
  options.out = (folder / "corpus").string();
  options.vocab = 320;
  options.valid_share = 0.2;
  options.test_share = 0.3;
  build_corpus(options, nlohmann::json::object());
}

ModelOptions tiny_model(const Corpus& corpus, Family family) {
  ModelOptions options;
  options.family = family;
  options.vocab = corpus.tokenizer().vocab();
  options.width = 32;
  options.heads = 4;
  options.kv_heads = 2;
  options.prelude = options.core = options.coda = 1;
  options.passes = loops(family) ? 2 : 1;
  if (family == Family::kRelaxed) options.lora_rank = 4;
  if (family == Family::kMoe)
    options.experts = {
        .count = 4, .top_k = 2, .width = 16, .attention_count = 2, .attention_top_k = 1};
  if (family == Family::kPartial) options.basis_rank = 16, options.basis_terms = 4;
  options.context = 64;
  return options;
}

Parameters random_parameters(const ModelOptions& options) {
  Parameters parameters(options, 1);
  uint32_t index = 0;
  for (const Parameter& parameter : parameters.list()) {
    const RandomStream draw(5, Purpose::kTest, index++);
    std::vector<float> noise(static_cast<size_t>(parameter.tensor.numel()));
    for (size_t i = 0; i < noise.size(); ++i) noise[i] = static_cast<float>(0.2 * draw.normal(i));
    parameters.assign(parameter.name,
                      parameter.tensor.detach() + at::tensor(noise).view_as(parameter.tensor));
  }
  return parameters;
}

ScoredArtifact tiny_artifact(const Corpus& corpus, Family family, GateRule gate) {
  ModelOptions options = tiny_model(corpus, family);
  OptionSet set("test", "");
  set.add("model", options);
  ScoredArtifact scored;
  scored.artifact.model = set.resolved().at("model");
  scored.artifact.tokenizer = corpus.tokenizer().digest();
  scored.artifact.gate = std::move(gate);
  scored.artifact.tensors = host_tensors(random_parameters(options));
  scored.sha256 = to_hex(sha256(enum_name(family)));
  scored.size = Bytes{12'345};
  return scored;
}

EvalOptions tiny_options(const std::filesystem::path& out) {
  EvalOptions options;
  options.out = out.string();
  options.device = DeviceChoice::kCpu;  // whatever this machine has
  options.unit_tokens = 400;
  options.segment_units = 2;
  options.batch_tokens = 256;
  options.early_tokens = 16;
  return options;
}

}  // namespace reprise
