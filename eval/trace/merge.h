// Joins segments into the one file that is kept.
#pragma once

#include <filesystem>
#include <functional>

#include "eval/trace/ledger.h"
#include "eval/trace/writer.h"

namespace reprise {

/// The root attributes of the whole, given those of every segment in unit order.
using JoinAttributes = std::function<TraceAttributes(const std::vector<TraceAttributes>&)>;

/// Writes the segments' rows in unit order to `path`, whole or absent. Throws kFailure where the
/// segments do not cover [0, units) exactly once, or one of them changed since the ledger named it:
/// run again, and it is scored again.
void merge_segments(const std::filesystem::path& folder, const std::vector<Segment>& segments,
                    int64_t units, const std::filesystem::path& path, const JoinAttributes& join);

}  // namespace reprise
