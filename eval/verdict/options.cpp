#include "eval/verdict/options.h"

#include <algorithm>

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
}

}  // namespace reprise
