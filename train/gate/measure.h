// How well a trained head ranks held-out text, beside what is there without one.
#pragma once

#include <nlohmann/json.hpp>

#include "base/comm/communicator.h"
#include "models/gate_head.h"
#include "train/gate/objective.h"

namespace reprise {

/// Runs `samples` over batch 0, `sequences` of them shared out among the ranks, and ranks its
/// tokens by the head's score, by the entropy of the coarse prediction, and by the gain itself,
/// which no gate can know. docs/gate.md gives the keys. Collective; the same on every rank. Throws
/// kFailure, naming the rank, where a score or loss is not finite.
nlohmann::json measure_gate(const GateHead& head, const HeadOptions& reads,
                            const GateObjectiveOptions& objective, const SampleSource& samples,
                            int64_t sequences, Communicator& comm);

}  // namespace reprise
