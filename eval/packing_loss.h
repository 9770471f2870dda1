// What packing costs: the loss of a model before and after, pass by pass, on the same tokens, and
// how far the packed model's states have come from the original's. Errors of a shared block's
// weights enter every pass anew, so they may grow from pass to pass.
//
// The tokens are whole units of one split (work.h), spread evenly over it and cut as evaluation
// cuts them.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "eval/batch.h"
#include "eval/options.h"
#include "eval/unit.h"
#include "models/network.h"

namespace reprise {

struct LossSample {
  Split split = Split::kValid;
  std::vector<ScoringBatch> batches = {};
  int64_t tokens = 0;  ///< that are predicted
  Bytes bytes = {};    ///< of source text, of the documents they make up
};

/// At least `tokens` tokens, or all of the split. Throws kBadInput where it is empty.
LossSample draw_loss_sample(const Corpus& corpus, Split split, int64_t tokens,
                            const UnitOptions& options);

/// Nats a token after the last base pass.
double mean_nats(const Network& network, const LossSample& sample);

/// After one pass over the core.
struct PassLoss {
  double bpb_before = 0, bpb_after = 0;
  /// Root of (sum of squared differences of the readouts / sum of squares of the original's).
  double relative_error = 0;
};

struct PackingLoss {
  Split split = Split::kValid;
  int64_t tokens = 0;
  std::vector<PassLoss> passes =
      {};  ///< the base passes, then with `refined` one more of all tokens
  bool refined = false;
};

/// Whether a refinement pass of every position is compared too.
struct ComparedRefinement {
  bool runs = false;
  KeyRule rule = KeyRule::kCoarse;
};

/// Both are networks of one shape on one device. `refined`: also a refinement pass of every token.
PackingLoss compare_networks(const Network& before, const Network& after, const LossSample& sample,
                             const ComparedRefinement& refinement);

nlohmann::json to_json(const PackingLoss& loss);

}  // namespace reprise
