// The byte ledgers `reprise pack` wrote, as rows of a chart.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace reprise {

/// Rows {artifact, group, part, cause, bytes, weights}, in the ledger's order: tensors are summed
/// over layers, so that "layer.3.attention.query" counts in group "attention", part "query"; what
/// belongs to no tensor goes by its cause. Throws kBadInput for a file that is no ledger.
nlohmann::json byte_rows(const std::vector<std::string>& labelled_files);

}  // namespace reprise
