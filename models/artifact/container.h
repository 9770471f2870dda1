// The outer form of an artifact file: a header, sections with length and checksum, nothing else.
// What is in them is artifact.h's business. docs/artifact.md gives the bytes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace reprise {

struct Container {
  std::string header;  ///< JSON text
  std::vector<std::string> sections;
};

inline constexpr int64_t kMaxHeaderBytes = 1 << 16;
inline constexpr int64_t kMaxSections = 1 << 16;

/// Bytes in front of the header, and in the table for every section.
inline constexpr int64_t kPreambleBytes = 24, kTableEntryBytes = 12;

std::string write_container(std::string_view header, std::span<const std::string> sections);

/// Throws kBadInput, naming `name`, unless the lengths fill `bytes` exactly and every checksum
/// holds.
Container read_container(std::string_view bytes, std::string_view name);

}  // namespace reprise
