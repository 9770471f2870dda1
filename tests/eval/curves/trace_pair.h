// Traces of one artifact on two splits, with other documents in each.
#pragma once

#include "base/digest.h"
#include "tests/analysis/synthetic_arms.h"

namespace reprise {

struct TracePair {
  Trace valid, test;
};

inline TracePair make_trace_pair() {
  SyntheticArm arm;
  arm.gated_gain_bpb = 0.05;
  TracePair pair{make_trace(arm), make_trace(arm)};
  pair.valid.attributes.split = "valid";
  pair.valid.attributes.corpus_digest = to_hex(sha256("valid documents"));
  for (auto& hash : pair.valid.documents.hash) hash = to_hex(sha256(concat("valid ", hash)));
  return pair;
}

}  // namespace reprise
