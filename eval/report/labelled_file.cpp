#include "eval/report/labelled_file.h"

namespace reprise {

LabelledFile parse_labelled_file(std::string_view word) {
  const size_t equals = word.find('=');
  if (equals != word.npos) return {std::string(word.substr(0, equals)), word.substr(equals + 1)};
  const std::filesystem::path path(word);
  return {std::filesystem::absolute(path).parent_path().filename().string(), path};
}

}  // namespace reprise
