// Fields of JSON that may have been damaged or written by another program.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace reprise {

/// The string under `key`; "" where `object` is no object, or has nothing or no string there.
inline std::string text_at(const nlohmann::json& object, const std::string& key) {
  const bool there = object.is_object() && object.contains(key) && object[key].is_string();
  return there ? object[key].get<std::string>() : "";
}

}  // namespace reprise
