#include "eval/verdict/options.h"

#include <algorithm>
#include <cmath>

#include "eval/trace/schema.h"

namespace reprise {

void validate(const VerdictOptions& options) {
  const auto usage = [](bool condition, std::string_view line) {
    require(condition, ExitCode::kUsage, line);
  };
  usage(options.margin_bpb > 0,
        "verdict.margin-bpb must be above 0; write it into the study file before the run");
  usage(options.confidence > 0.5 && options.confidence < 1,
        "verdict.confidence lies between 0.5 and 1");
  usage(options.power > 0 && options.power < 1, "verdict.power lies between 0 and 1");
  usage(options.draws >= 100,
        "verdict.draws must be at least 100 for an interval to mean anything");
  usage(options.seed >= 0, "verdict.seed is negative");
  for (const auto& slice : options.slices) {
    parse_enum<Slice>(slice);
    usage(std::ranges::count(options.slices, slice) == 1, "verdict.slices names a slice twice");
  }
  // So that two draws are expected beyond each limit of the family's intervals.
  const double family = std::max<double>(1, static_cast<double>(options.slices.size()));
  const double least = std::round(2 * 2 * family / (1 - options.confidence));
  require(static_cast<double>(options.draws) >= least, ExitCode::kUsage, "verdict.draws is ",
          options.draws, ", too few for limits at a confidence of ", options.confidence, " over ",
          options.slices.size(), " slices; at least ", static_cast<int64_t>(least));
}

}  // namespace reprise
