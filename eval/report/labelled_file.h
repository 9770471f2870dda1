// A file with the name it goes by in a chart.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace reprise {

struct LabelledFile {
  std::string label;
  std::filesystem::path path;
};

/// "label=path"; of a path alone the label is the name of its folder.
LabelledFile parse_labelled_file(std::string_view word);

}  // namespace reprise
