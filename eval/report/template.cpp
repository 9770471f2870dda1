#include "eval/report/template.h"

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace reprise {

std::string fill_template(std::string_view text, const std::map<std::string, std::string>& values) {
  std::string filled;
  for (size_t at = 0; at < text.size();) {
    const size_t open = std::min(text.find("{{", at), text.size());
    filled += text.substr(at, open - at);
    if (open == text.size()) break;
    const size_t close = text.find("}}", open);
    require(close != text.npos, ExitCode::kFailure, "a template has {{ without }}");
    const std::string name(text.substr(open + 2, close - open - 2));
    const auto value = values.find(name);
    require(value != values.end(), ExitCode::kFailure, "a template names {{", name,
            "}}, which has no value");
    filled += value->second;
    at = close + 2;
  }
  return filled;
}

std::string escape_html(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string json_for_script(const nlohmann::json& value) {
  const std::string text = value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  std::string escaped;
  for (const char c : text) {
    if (c == '<')
      escaped += "\\u003c";
    else
      escaped += c;
  }
  return escaped;
}

}  // namespace reprise
