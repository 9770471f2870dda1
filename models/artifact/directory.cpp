#include "models/artifact/directory.h"

#include <algorithm>
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

nlohmann::json write_entry(const TensorShape& tensor) {
  nlohmann::json entry{tensor.name, enum_name(tensor.form.scheme), tensor.shape};
  nlohmann::json more = nlohmann::json::object();
  Form form = tensor.form;
  form.visit([&](const char* name, int64_t value) {
    if (value != 0) more[name] = value;
  });
  if (!more.empty()) entry.push_back(more);
  return entry;
}

/// What is not in the form that write_entry gives, or would not give the tensor back, is refused.
TensorShape read_entry(const nlohmann::json& entry, int64_t max_elements) {
  TensorShape tensor{entry.at(0).get<std::string>(),
                     {parse_enum<Scheme>(entry.at(1).get<std::string>())},
                     read_shape(entry.at(2), max_elements)};
  require(tensor.name.size() <= kMaxNameBytes, ExitCode::kBadInput, "a tensor with a name of ",
          tensor.name.size(), " bytes");
  require(!tensor.name.empty() &&
              std::ranges::all_of(tensor.name, [](char c) { return '!' <= c && c <= '~'; }),
          ExitCode::kBadInput, "a tensor whose name is not of visible ASCII characters");
  if (entry.size() > 3)
    tensor.form.visit([&](const char* name, int64_t& value) {
      const auto& more = entry.at(3);
      if (more.contains(name))
        value = more.at(name).is_number_integer() ? more.at(name).get<int64_t>() : -1;
      require(0 <= value && value <= max_elements, ExitCode::kBadInput, "tensor ", tensor.name,
              " has an impossible number of ", name);
    });
  require(entry == write_entry(tensor), ExitCode::kBadInput, "a malformed entry of tensor ",
          tensor.name);
  check_form(tensor);
  return tensor;
}

}  // namespace

std::string write_directory(const Directory& directory) {
  nlohmann::json list = nlohmann::json::array();
  for (const TensorShape& tensor : directory) list.push_back(write_entry(tensor));
  return list.dump();
}

Directory read_directory(std::string_view text, int64_t max_elements) {
  Directory directory;
  std::set<std::string> names;
  int64_t elements = 0;
  for (const nlohmann::json& entry : parse_canonical_json(text)) {
    TensorShape tensor = read_entry(entry, max_elements);
    require(names.insert(tensor.name).second, ExitCode::kBadInput, "tensor ", tensor.name,
            " is there twice");
    elements += tensor.elements();
    require(elements <= max_elements, ExitCode::kBadInput, "tensors larger than the file allows");
    directory.push_back(std::move(tensor));
  }
  return directory;
}

}  // namespace reprise
