#include "models/artifact/json.h"

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace reprise {

nlohmann::json parse_canonical_json(std::string_view text) {
  constexpr int kMaxDepth = 16;
  int depth = 0, deepest = 0;
  const auto watch = [&](int, nlohmann::json::parse_event_t event, nlohmann::json&) {
    using Event = nlohmann::json::parse_event_t;
    if (event == Event::object_start || event == Event::array_start) ++depth;
    if (event == Event::object_end || event == Event::array_end) --depth;
    deepest = std::max(deepest, depth);
    return true;
  };
  nlohmann::json value;
  try {
    value = nlohmann::json::parse(text, watch);
    require(deepest <= kMaxDepth && value.dump() == text, ExitCode::kBadInput,
            "JSON in a form this program does not write");
  } catch (const nlohmann::json::exception& error) {
    fail(ExitCode::kBadInput, error.what());
  }
  return value;
}

}  // namespace reprise
