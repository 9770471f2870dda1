// Text without a corpus, as a pure function of (step, sequence): sequences a small model can learn
// something about.
#pragma once

#include "base/random.h"
#include "train/loop.h"

namespace reprise::test {

/// Each token is its predecessor plus one or two, chosen at random.
inline BatchSource counting_batches(const ModelOptions& model) {
  return [model](int64_t step, int64_t first, int64_t count) {
    TokenBatch batch{count, model.context, {}, {}};
    for (int64_t sequence = first; sequence < first + count; ++sequence) {
      const RandomStream random(static_cast<uint64_t>(sequence), Purpose::kTest,
                                static_cast<uint32_t>(step));
      uint64_t token = random.bits(0);
      for (int64_t t = 0; t < model.context; ++t) {
        const auto vocab = static_cast<uint64_t>(model.vocab);
        batch.inputs.push_back(static_cast<int64_t>(token % vocab));
        token += 1 + random.below(static_cast<uint64_t>(t) + 1, 2);
        batch.targets.push_back(static_cast<int64_t>(token % vocab));
      }
    }
    return batch;
  };
}

inline ModelOptions small_model() {
  ModelOptions model;
  model.vocab = 32;
  model.width = 16;
  model.heads = 2;
  model.kv_heads = 1;
  model.context = 16;
  return model;
}

inline TrainOptions small_training() {
  TrainOptions options;
  options.corpus = "synthetic";
  options.out = "nowhere";
  options.steps = 12;
  options.sequences = 8;
  options.device = DeviceChoice::kCpu;
  options.threads = 1;
  options.precision = Precision::kFp32;
  return options;
}

}  // namespace reprise::test
