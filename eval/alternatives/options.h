// Options of `reprise alternatives`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "eval/options.h"

namespace reprise {

struct AlternativesOptions {
  std::string artifact, second, corpus, out;
  RuleChoice key_rule = RuleChoice::kStored;
  double refine_share = 0;
  std::vector<std::string> trajectories{"2", "4"}, noise{"0.02", "0.1"}, passes;
  int64_t fit_tokens = 32768, readout_steps = 40;
  double readout_prior = 0.1;
  int64_t threads = 1, draws = 2000, seed = 1;

  template <class Visitor>
  void visit(Visitor&& field) {
    field("artifact", artifact, "file", required("the packed model whose second look is examined"));
    field("second", second, "file",
          "another one of the same tokenizer, as of another seed, for the ensemble; empty: none");
    field("corpus", corpus, "folder",
          required("what `reprise data` wrote: fitted on valid, scored on test"));
    field("out", out, "file", "where the record is written as JSON");
    field("key-rule", key_rule, "",
          "what a refined token attends to (docs/refinement.md); stored: as in training");
    field("refine-share", refine_share, "share",
          "of tokens the gated arms refine, by an entropy threshold set on valid; 0: as the "
          "artifact's own gate does");
    field("trajectories", trajectories, "trajectories",
          "noisy refinements of every token whose predictions are mixed");
    field("noise", noise, "x size of the state",
          "standard deviation of what is added to each channel where a trajectory begins");
    field("passes", passes, "passes",
          "refinement passes of every token, one behind another; none: as many as trajectories");
    field("fit-tokens", fit_tokens, "tokens",
          "most predictions of valid that temperatures and readouts are fitted on, spread evenly; "
          "0: all");
    field("readout-steps", readout_steps, "steps",
          "full passes of Adam over them that fit a readout");
    field("readout-prior", readout_prior, "nats",
          "deviation of a token's bias beforehand: small keeps tokens that valid has few of");
    field("threads", threads, "threads per rank",
          "threads of tensor work; part of the result's bits");
    field("draws", draws, "draws", "of the bootstrap over documents");
    field("seed", seed, "", "of the noise and of the bootstrap");
  }
};

/// What the words of trajectories, noise and passes come to; each ascending.
struct SearchWidths {
  std::vector<int64_t> trajectories;
  std::vector<double> noise;
  std::vector<int64_t> passes;
};

/// Throws kUsage for a word that is no number in range, and for two alike.
SearchWidths parse_widths(const AlternativesOptions& options);

/// Throws kUsage for what can be refused before any file is read.
void validate(const AlternativesOptions& options);

}  // namespace reprise
