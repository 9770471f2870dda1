// A run of `reprise gate`, from its first step or its last checkpoint, to the head on disk.
#pragma once

#include <nlohmann/json.hpp>

#include "base/comm/communicator.h"
#include "train/gate/options.h"
#include "train/loop.h"
#include "train/model_file.h"

namespace reprise {

/// What a head learns from and is measured on, and under which names that is recorded.
struct GateText {
  BatchSource train, valid;     ///< of valid, batch 0 is read
  int64_t valid_sequences = 1;  ///< in it
  nlohmann::json corpus;        ///< digest of every split, by its name
};

/// Collective. `config` is {"gate"} as resolved, for the record. In options.out it leaves
/// gate.safetensors and gate.json (gate_file.h), metrics.jsonl, and while it runs checkpoint/; in
/// options.store, where that is asked for, the stored passes (store.h). Throws kFailure where a
/// loss stops being finite, naming step and rank; kBadInput where options.out holds another run or
/// options.store the passes of another model or text.
TrainEnd train_gate(const GateOptions& options, const ModelFile& model, const GateText& text,
                    const nlohmann::json& config, Communicator& comm);

}  // namespace reprise
