#include "eval/work.h"

#include <algorithm>

namespace reprise {

std::vector<WorkUnit> plan_units(std::span<const Document> documents, int64_t unit_tokens) {
  std::vector<WorkUnit> units;
  int64_t tokens = unit_tokens;  // of the last unit: full, so that the first document opens one
  for (int64_t d = 0; d < std::ssize(documents); ++d) {
    if (tokens >= unit_tokens) {
      units.push_back({d, 0});
      tokens = 0;
    }
    ++units.back().documents;
    tokens += documents[static_cast<size_t>(d)].tokens;
  }
  return units;
}

std::vector<Window> plan_windows(int64_t document, int64_t tokens, const WindowOptions& options) {
  std::vector<Window> windows;
  const int64_t inputs = tokens - 1;
  for (int64_t scored = 0, k = 0; scored < inputs; ++k) {
    const int64_t last_start = std::max<int64_t>(0, inputs - options.length);
    const int64_t first = std::min(k * options.stride, last_start);
    const int64_t length = std::min(options.length, inputs - first);
    windows.push_back({document, first, length, scored});
    scored = first + length;
  }
  return windows;
}

std::vector<std::vector<Window>> plan_batches(std::vector<Window> windows, int64_t batch_tokens) {
  std::ranges::stable_sort(windows, std::greater{}, &Window::length);
  std::vector<std::vector<Window>> batches;
  for (const auto& window : windows) {
    const bool fits =
        !batches.empty() &&
        (std::ssize(batches.back()) + 1) * batches.back().front().length <= batch_tokens;
    if (!fits) batches.emplace_back();
    batches.back().push_back(window);
  }
  return batches;
}

}  // namespace reprise
