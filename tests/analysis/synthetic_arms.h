// Traces of two arms made by rule, with effects of a known size, for tests of verdicts and reports.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "eval/trace/reader.h"

namespace reprise {

struct SyntheticArm {
  Passes passes = Passes::kRefined;  ///< of the recurrent family; kBaseOnly: of the static one
  double shift_bpb = 0;              ///< of the base passes, against an arm without shift
  double gated_gain_bpb = 0;         ///< what the gated second pass takes off, on average
  double random_gain_bpb = 0;        ///< what the random control takes off
  double noise_bpb = 0.002;  ///< standard deviation of a document's own part in every effect
  uint32_t training_seed = 0;
  int64_t artifact_bytes = 1'000'000;
  int64_t documents = 60;
  int64_t vocab = 1000;  ///< tokens are drawn from [3, vocab)
};

/// Valid, and of the same documents whatever the arm. The gate refines every tenth token, the
/// control as many of every document.
Trace make_trace(const SyntheticArm& arm);

/// Writes it and returns `path` as text.
std::string write_synthetic(const std::filesystem::path& path, const SyntheticArm& arm);

}  // namespace reprise
