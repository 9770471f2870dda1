// A run of training from its first step, or from its last checkpoint, to the model on disk.
#pragma once

#include <nlohmann/json.hpp>

#include "base/comm/communicator.h"
#include "train/options.h"
#include "train/trainer.h"

namespace reprise {

/// What a run trains on, and under which names that is recorded.
struct TrainingText {
  BatchSource batches;
  double bytes_per_token = 0;  ///< of the train split; makes the estimate of bits per byte
  std::string tokenizer;       ///< SHA-256 of the tokenizer model, in hex
  nlohmann::json corpus;       ///< digest of every split, by its name
};

enum class TrainEnd {
  kFinished,  ///< the model is in options.out
  kStopped,   ///< a signal asked for it; a checkpoint is in options.out and the same call goes on
              ///< from there
};

/// Collective. `config` is {"model", "train"} as resolved, for the record. In options.out it leaves
/// model.safetensors and train.json (model_file.h), metrics.jsonl, and while it runs checkpoint/.
/// Throws kFailure where the loss or a gradient stops being finite, naming step, rank and the last
/// good checkpoint; kBadInput where options.out holds another run.
TrainEnd train(const ModelOptions& model, const TrainOptions& options, const nlohmann::json& config,
               const TrainingText& text, Communicator& comm);

}  // namespace reprise
