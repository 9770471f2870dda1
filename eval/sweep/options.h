// Options of `reprise sweep`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "eval/options.h"

namespace reprise {

struct SweepOptions {
  std::string artifact, corpus, curves, out;
  RuleChoice key_rule = RuleChoice::kStored;
  std::vector<std::string> gates, budgets;
  std::vector<std::string> controls{"random", "matched-random", "inverted", "oracle-loss",
                                    "oracle-gain"};
  int64_t threads = 1, draws = 2000, seed = 1;

  template <class Visitor>
  void visit(Visitor&& field) {
    field("artifact", artifact, "file", required("the packed model"));
    field("corpus", corpus, "folder", required("what `reprise data` wrote; test is scored"));
    field("curves", curves, "file",
          required("a record of `reprise curves` of that artifact: gates and their thresholds"));
    field("out", out, "file", "where the record is written as JSON");
    field("key-rule", key_rule, "",
          "what a refined token attends to (docs/refinement.md); stored: as in training");
    field("gates", gates, "expressions", "which of the record; none: all that an artifact can run");
    field("budgets", budgets, "shares", "which of the record; none: all below 1");
    field("controls", controls, "",
          "what is run beside every gate, on as many tokens of every window; each takes as long as "
          "a gate");
    field("threads", threads, "threads per rank",
          "threads of tensor work; part of the result's bits");
    field("draws", draws, "draws", "of the bootstrap over documents");
    field("seed", seed, "", "of the bootstrap and of the random controls");
  }
};

/// Throws kUsage for what can be refused before any file is read.
void validate(const SweepOptions& options);

}  // namespace reprise
