// A small trace made by rule, for tests of whatever reads or writes traces.
#pragma once

#include "eval/trace/reader.h"

namespace reprise {

/// Valid in every respect. Every document of `sizes` has so many tokens; documents alternate
/// between two domains. The gate refined every third token of a document and gained a quarter of
/// its nats, the control the one before each and gained nothing.
Trace make_synthetic_trace(const std::vector<uint32_t>& sizes, Passes passes);

}  // namespace reprise
