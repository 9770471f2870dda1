#include "models/calibration/state_file.h"

#include <charconv>
#include <cstring>
#include <filesystem>
#include <memory>

#include "base/error.h"
#include "base/log.h"
#include "base/safetensors.h"

namespace reprise {
namespace fs = std::filesystem;
namespace {

constexpr const char* kFormat = "reprise-use 2";

std::span<const uint8_t> bytes_of(std::span<const double> values) {
  return {reinterpret_cast<const uint8_t*>(values.data()), values.size_bytes()};
}

std::string digest_of_state(const UseState& state, const std::string& key) {
  const auto bytes = bytes_of(state.sums);
  Sha256Stream stream;
  stream.update(concat(key, " ", state.groups, "\n"));
  stream.update({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  return to_hex(stream.finish());
}

/// The list of sums under the names of its parts, which lie in it end to end.
std::vector<ArrayView> views_of(const UseLayout& layout, std::span<const double> sums) {
  std::vector<ArrayView> views;
  const auto view = [&](const TensorSums& tensor, const char* part, int64_t first, int64_t count) {
    views.push_back(
        {concat(tensor.name, ":", part),
         "F64",
         {count},
         bytes_of(sums.subspan(static_cast<size_t>(first), static_cast<size_t>(count)))});
  };
  for (const TensorSums& tensor : layout.tensors()) {
    view(tensor, "row_squares", tensor.row_squares, tensor.rows);
    view(tensor, "column_squares", tensor.column_squares, tensor.columns);
    if (!tensor.multiplied) continue;
    view(tensor, "hessian", tensor.hessian, tensor.triangle());
    view(tensor, "applications", tensor.applications, 1);
  }
  return views;
}

std::string text_of(const TextMap& metadata, const std::string& key) {
  const auto found = metadata.find(key);
  return found == metadata.end() ? "" : found->second;
}

/// -1 for anything but a number.
int64_t number_of(const std::string& text) {
  int64_t number = -1;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  return fault == std::errc() && end == text.data() + text.size() ? number : -1;
}

/// Copies the arrays over `state`; whether they are those of the layout and of the digest.
bool read_arrays(const SafetensorsFile& file, const UseLayout& layout, const std::string& key,
                 UseState& state) {
  const std::vector<ArrayView> wanted = views_of(layout, state.sums);
  if (file.arrays().size() != wanted.size()) return false;
  uint8_t* to = reinterpret_cast<uint8_t*>(state.sums.data());
  for (size_t i = 0; i < wanted.size(); ++i) {
    const ArrayView& array = file.arrays()[i];
    const bool same = array.name == wanted[i].name && array.dtype == wanted[i].dtype &&
                      array.shape == wanted[i].shape;
    if (!same) return false;
    std::memcpy(to, array.bytes.data(), array.bytes.size());
    to += array.bytes.size();
    file.forget();
  }
  return text_of(file.metadata(), "state_sha256") == digest_of_state(state, key);
}

}  // namespace

UseState read_use_state(const fs::path& path, const UseLayout& layout, const std::string& key) {
  UseState state{0, std::vector<double>(static_cast<size_t>(layout.size()))};
  if (!fs::exists(path)) return state;
  const SafetensorsFile file(path);
  const std::string format = text_of(file.metadata(), "format");
  require(format.starts_with("reprise-use "), ExitCode::kBadInput, path.string(),
          ": not a measuring of a model's use; name another file, or remove this one");
  if (format != kFormat || text_of(file.metadata(), "key") != key) {
    log::info(path.string(), ": of other weights, text, options or format; measuring anew");
    return state;
  }
  state.groups = number_of(text_of(file.metadata(), "groups"));
  require(state.groups >= 0 && read_arrays(file, layout, key, state), ExitCode::kBadInput,
          path.string(), ": damaged; remove it to measure anew");
  return state;
}

TriangleSource triangles_of_file(const fs::path& path, const std::string& key, int64_t groups) {
  const auto file = std::make_shared<const SafetensorsFile>(path);
  if (text_of(file->metadata(), "format") != kFormat || text_of(file->metadata(), "key") != key ||
      number_of(text_of(file->metadata(), "groups")) != groups)
    return {};
  return [file](const TensorSums& tensor) {
    const ArrayView& array = (*file)[concat(tensor.name, ":hessian")];
    std::vector<double> triangle(static_cast<size_t>(tensor.triangle()));
    require(array.bytes.size() == triangle.size() * sizeof(double), ExitCode::kBadInput,
            "the measured use of tensor ", tensor.name, " has another shape; measure it again");
    std::memcpy(triangle.data(), array.bytes.data(), array.bytes.size());
    file->forget();
    return triangle;
  };
}

void write_use_state(const fs::path& path, const UseLayout& layout, const std::string& key,
                     const UseState& state) {
  const std::vector<ArrayView> views = views_of(layout, state.sums);
  write_safetensors(path, views,
                    {{"format", kFormat},
                     {"key", key},
                     {"groups", std::to_string(state.groups)},
                     {"state_sha256", digest_of_state(state, key)}});
}

}  // namespace reprise
