// What an evaluation spent, by pass and by chore. Summed over units, segments and ranks.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>

namespace reprise {

struct PassCost {
  double seconds = 0;        ///< of one rank's wall clock, readout and likelihoods included
  double nominal_flops = 0;  ///< models/cost/flops.h
  double executed_flops = 0;
  double tokens = 0;       ///< predictions it made; of several refinement passes their sum
  int64_t peak_bytes = 0;  ///< most bytes of tensors that a batch held beside the model
  PassCost& operator+=(const PassCost& other);
};

struct Accounting {
  PassCost base;                     ///< the base passes, over everything
  PassCost signals;                  ///< what gates may look at: readouts of an earlier state
  PassCost gated;                    ///< the sparse second pass over what the gate picked
  PassCost random;                   ///< the sparse second pass over what the control picked
  PassCost all;                      ///< the dense second pass over everything
  double text_s = 0, writing_s = 0;  ///< reading and sorting text; writing segments
  int64_t nan_scores = 0;            ///< times the gate was shown a signal that is NaN

  Accounting& operator+=(const Accounting& other);
};

/// Of all passes and chores.
double total_seconds(const Accounting& accounting);

nlohmann::json to_json(const Accounting& accounting);
Accounting accounting_from(const nlohmann::json& stored);

}  // namespace reprise
