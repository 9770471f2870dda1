// The bootstrap over documents of many differences at once: one walk over a sample serves them all.
#pragma once

#include <span>
#include <vector>

#include "eval/stats/bootstrap.h"

namespace reprise {

/// bootstrap_documents() of each of `contrasts`, which are of the same documents with the same
/// bytes: the same draws, to the last bit, in a fraction of the time. draws[c][k] is draw k of
/// contrast c. Throws kInvalidTrace for a document without text.
std::vector<std::vector<double>> bootstrap_jointly(std::span<const DocumentScores> contrasts,
                                                   const BootstrapOptions& options);

}  // namespace reprise
