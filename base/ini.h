// INI files: [section], then lines key = value, taken as they stand; # begins a comment anywhere.
#pragma once

#include <string>
#include <vector>

namespace reprise {

struct IniEntry {
  std::string name;  ///< "section.key"
  std::string value;
};

/// The entries of the file in their order, behind the byte-order mark that some editors put first.
/// Throws kBadInput where it cannot be read or is not UTF-8, and kUsage, naming the file, where it
/// is no INI file or gives a key a second time (with the line).
std::vector<IniEntry> read_ini(const std::string& path);

}  // namespace reprise
