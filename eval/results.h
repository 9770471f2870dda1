// results.json: what a trace comes to, in the shape lm-evaluation-harness writes.
//
// A task is a split of a corpus or one of its domains; a filter is a policy: `none` (base passes),
// `gated`, `random`, `all`. Scores of traces without a second pass have the filter `none` alone.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>

#include "eval/trace/reader.h"

namespace reprise {

nlohmann::json summarise(const TraceAttributes& attributes, Passes passes,
                         const DocumentColumns& documents);

/// Writes results.json beside the trace.
void write_results(const std::filesystem::path& trace);

}  // namespace reprise
