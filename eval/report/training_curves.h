// The metrics `reprise train` wrote, thinned for a chart.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace reprise {

/// Rows {run, measure, step, value}: of every file at most `points` means over equal stretches of
/// lines for each numeric field whose name speaks of a loss, at the stretch's last step. Throws
/// kBadInput for a line that is no JSON object with a step; a last line without its end, as a
/// killed run leaves it, is passed over.
nlohmann::json curve_rows(const std::vector<std::string>& labelled_files, int64_t points);

}  // namespace reprise
