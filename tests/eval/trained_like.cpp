#include "tests/eval/trained_like.h"

#include <ATen/ATen.h>

#include <cmath>

#include "base/random.h"

namespace reprise {
namespace {

at::Tensor normal(const at::Tensor& like, double deviation, uint64_t seed, uint32_t index) {
  const RandomStream draw(seed, Purpose::kTest, index);
  std::vector<float> values(static_cast<size_t>(like.numel()));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(deviation * draw.normal(i));
  return at::tensor(values).view(like.sizes());
}

}  // namespace

ModelOptions model_of(int64_t width, int64_t layers, int64_t context) {
  ModelOptions options;
  options.vocab = 320;
  options.width = width;
  options.prelude = options.coda = layers / 4;
  options.core = layers - options.prelude - options.coda;
  options.context = context;
  return options;
}

Parameters trained_like_parameters(const ModelOptions& options, uint64_t seed) {
  Parameters parameters(options, seed);
  uint32_t index = 0;
  for (const Parameter& parameter : parameters.list()) {
    const at::Tensor& fresh = parameter.tensor;
    const double fan_in = static_cast<double>(fresh.size(-1));
    if (parameter.role == Role::kEmbedding)
      parameters.assign(parameter.name, normal(fresh, 4 / std::sqrt(fan_in), seed, index));
    else if (parameter.role == Role::kMatrix)
      parameters.assign(parameter.name, normal(fresh, 1 / std::sqrt(fan_in), seed, index));
    else
      parameters.assign(parameter.name, fresh.detach() + normal(fresh, 0.1, seed, index));
    ++index;
  }
  return parameters;
}

ScoringBatch full_window(const ModelOptions& options) {
  std::vector<Document> documents(1);
  documents[0].tokens = options.context + 1;
  UnitText text;
  text.documents = documents;
  const RandomStream draw(3, Purpose::kTest);
  for (int64_t i = 0; i <= options.context; ++i)
    text.tokens.push_back(static_cast<Token>(
        draw.below(static_cast<uint64_t>(i), static_cast<uint64_t>(options.vocab))));
  return make_batch(text, {{0, 0, options.context, 0}});
}

}  // namespace reprise
