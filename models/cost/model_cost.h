// Everything a configuration costs, in one call: parameters and stored bytes by group, operations,
// memory of a training step, keys and values of a decoder.
//
//   const ModelCost cost = cost_of(model, {.code_bits = 6, .refine_share = 0.1});
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "models/cost/flops.h"
#include "models/cost/memory.h"
#include "models/cost/parameter_groups.h"

namespace reprise {

struct CostCase {
  double code_bits = 6;       ///< stored, of a matrix's weight on average (artifact/estimate.h)
  int64_t code_bytes = 0;     ///< allowance for the decoder's code
  double refine_share = 0.1;  ///< of the tokens, when text is scored
  MemoryCase step = {};       ///< what a training step runs at once
  StepFlops step_flops = {};  ///< its operations per token, but for those of weights with weights
};

struct GroupCost {
  ParameterGroup group = ParameterGroup::kCore;
  int64_t parameters = 0;
  double stored_bytes = 0;
};

struct ModelCost {
  std::vector<GroupCost> groups;  ///< those that have parameters
  int64_t parameters = 0;
  int64_t fixed_bytes = 0, code_bytes = 0;
  int64_t stored_bytes = 0;  ///< of the artifact and the allowance
  /// Forward, per token, attending to the mean of a full sequence's causal keys.
  double base_flops = 0;
  double readout_flops = 0;     ///< coda and head alone
  double refinement_flops = 0;  ///< of a token that is refined
  double scoring_flops = 0;     ///< with the share that is refined
  StepFlops step_flops;         ///< per token of a training step, weights' own products included
  StepMemory step_memory;
  int64_t kv_bytes_per_token = 0;
};

/// Throws kUsage where the options contradict one another.
ModelCost cost_of(const ModelOptions& model, const CostCase& c);

/// stored_bytes alone.
int64_t stored_bytes_of(const ModelOptions& model, const CostCase& c);

nlohmann::json to_json(const ModelCost& cost);
/// For people: a line a figure, with its unit.
std::string to_table(const ModelCost& cost, const CostCase& c);

}  // namespace reprise
