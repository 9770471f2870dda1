// Text put into templates, safely.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace reprise {

/// `text` with every {{name}} replaced by its value, in one pass: a value may hold braces. Throws
/// kFailure for a name that has no value.
std::string fill_template(std::string_view text, const std::map<std::string, std::string>& values);

/// For element content and quoted attributes.
std::string escape_html(std::string_view text);

/// JSON for the inside of a <script>: no character of a string can end it or open a comment in it,
/// since < is written \u003c. Bytes that are not UTF-8 become U+FFFD.
std::string json_for_script(const nlohmann::json& value);

}  // namespace reprise
