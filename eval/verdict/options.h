// Options of `reprise verdict`.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/options.h"

namespace reprise {

enum class ClaimId { kC1, kC3 };
template <>
struct EnumNames<ClaimId> {
  static constexpr std::array names{std::pair{ClaimId::kC1, "c1"}, std::pair{ClaimId::kC3, "c3"}};
};

struct VerdictOptions {
  std::vector<std::string> recurrent, static_arm;
  std::string study;
  double margin_bpb = 0;
  ClaimId primary = ClaimId::kC1;
  double confidence = 0.95, power = 0.8;
  int64_t draws = 10'000, seed = 1;
  std::vector<std::string> slices{"early", "rare"};
  bool require_decision = false;
  std::string out;

  template <class Visitor>
  void visit(Visitor&& field) {
    field("recurrent", recurrent, "files",
          "traces of the recurrent arm, one for each training seed, in the order of the seeds");
    field("static", static_arm, "files", "traces of the static arm, as many and in the same order");
    field("study", study, "file",
          "study file; its [verdict] section is the pre-registration, and its digest is printed");
    field("margin-bpb", margin_bpb, "bits per byte",
          required("smallest difference that matters, chosen before the run"));
    field("primary", primary, "", "claim the study stands or falls by");
    field("confidence", confidence, "", "of every interval; one-sided tests take the error left");
    field("power", power, "", "with which the sample sizes named by 'inconclusive' would decide");
    field("draws", draws, "draws", "of the bootstrap");
    field("seed", seed, "", "of the bootstrap");
    field("slices", slices, "early, rare", "declared family, Holm-corrected within each claim");
    field("require-decision", require_decision, "",
          "end with exit code 6 where the primary claim is inconclusive");
    field("out", out, "file", "where the verdict is written as JSON");
  }
};

/// Throws kUsage for what can be refused before any trace is read.
void validate(const VerdictOptions& options);

}  // namespace reprise
