#include "models/artifact/directory.h"

#include <nlohmann/json.hpp>
#include <set>

#include "models/artifact/json.h"

namespace reprise {
namespace {

constexpr size_t kMaxRank = 8, kMaxNameBytes = 256;

/// One dimension after the other, so that no product overflows.
std::vector<int64_t> read_shape(const nlohmann::json& lengths, int64_t max_elements) {
  require(lengths.size() <= kMaxRank, ExitCode::kBadInput, "a tensor of rank ", lengths.size());
  std::vector<int64_t> shape;
  int64_t elements = 1;
  for (const nlohmann::json& length : lengths) {
    shape.push_back(length.is_number_integer() ? length.get<int64_t>() : 0);
    require(shape.back() > 0 && shape.back() <= max_elements / elements, ExitCode::kBadInput,
            "a tensor larger than the file allows");
    elements *= shape.back();
  }
  return shape;
}

}  // namespace

std::string write_directory(const Directory& directory) {
  nlohmann::json list = nlohmann::json::array();
  for (const TensorShape& tensor : directory)
    list.push_back({tensor.name, enum_name(tensor.scheme), tensor.shape});
  return list.dump();
}

Directory read_directory(std::string_view text, int64_t max_elements) {
  Directory directory;
  std::set<std::string> names;
  int64_t elements = 0;
  for (const nlohmann::json& entry : parse_canonical_json(text)) {
    TensorShape tensor{entry.at(0).get<std::string>(),
                       parse_enum<Scheme>(entry.at(1).get<std::string>()),
                       read_shape(entry.at(2), max_elements)};
    require(entry.size() == 3 && tensor.name.size() <= kMaxNameBytes &&
                names.insert(tensor.name).second,
            ExitCode::kBadInput, "a tensor entry that is malformed or there twice");
    elements += tensor.elements();
    require(elements <= max_elements, ExitCode::kBadInput, "tensors larger than the file allows");
    directory.push_back(std::move(tensor));
  }
  return directory;
}

}  // namespace reprise
