#include "base/safetensors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace reprise {
using nlohmann::json;
namespace {

static_assert(std::endian::native == std::endian::little,
              "arrays are stored as they lie in memory");

constexpr std::array<std::pair<std::string_view, int64_t>, 7> kDtypes{
    {{"F64", 8}, {"F32", 4}, {"BF16", 2}, {"F16", 2}, {"I64", 8}, {"I32", 4}, {"U8", 1}}};
constexpr std::string_view kMetadata = "__metadata__";

std::string make_header(std::span<const ArrayView> arrays, const TextMap& metadata) {
  json header = json::object();
  if (!metadata.empty()) header[kMetadata] = metadata;
  size_t offset = 0;
  for (const auto& array : arrays) {
    require(!header.contains(array.name), ExitCode::kFailure, "two arrays are called ", array.name);
    header[array.name] = {{"dtype", array.dtype},
                          {"shape", array.shape},
                          {"data_offsets", {offset, offset + array.bytes.size()}}};
    offset += array.bytes.size();
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

std::string_view as_text(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Bytes that `shape` takes, or -1 where that is no sensible number.
int64_t bytes_of_shape(const std::vector<int64_t>& shape, int64_t element) {
  int64_t bytes = element;
  for (const int64_t size : shape)
    if (size < 0 || __builtin_mul_overflow(bytes, size, &bytes)) return -1;
  return bytes;
}

}  // namespace

int64_t element_bytes(std::string_view dtype) {
  const auto found =
      std::ranges::find(kDtypes, dtype, [](const auto& entry) { return entry.first; });
  return found == kDtypes.end() ? 0 : found->second;
}

ArrayView ArrayView::of(std::string name, std::vector<int64_t> shape,
                        std::span<const float> values) {
  return {std::move(name),
          "F32",
          std::move(shape),
          {reinterpret_cast<const uint8_t*>(values.data()), values.size_bytes()}};
}

Sha256 write_safetensors(const std::filesystem::path& path, std::span<const ArrayView> arrays,
                         const TextMap& metadata) {
  const std::string header = make_header(arrays, metadata);
  const uint64_t length = header.size();
  std::vector<std::string_view> parts{{reinterpret_cast<const char*>(&length), sizeof length},
                                      header};
  for (const auto& array : arrays) parts.push_back(as_text(array.bytes));

  Sha256Stream digest;
  replace_file(path, [&](const std::filesystem::path& temporary) {
    std::ofstream out(temporary, std::ios::binary);
    for (const auto part : parts) {
      out.write(part.data(), static_cast<std::streamsize>(part.size()));
      digest.update(part);
    }
    out.close();
    if (!out) fail_errno(ExitCode::kFailure, concat("cannot write ", path.string()));
  });
  return digest.finish();
}

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path) : path_(path), file_(path) {
  const std::span<const uint8_t> bytes = file_.bytes();
  uint64_t length = 0;
  require(bytes.size() >= sizeof length, ExitCode::kBadInput, path_.string(),
          ": not a safetensors file");
  std::memcpy(&length, bytes.data(), sizeof length);
  const auto rest = bytes.subspan(sizeof length);
  require(length <= rest.size(), ExitCode::kBadInput, path_.string(), ": truncated in its header");
  try {
    read_header(as_text(rest.first(length)), rest.subspan(length));
  } catch (const json::exception&) {
    fail(ExitCode::kBadInput, path_.string(), ": its header is not that of a safetensors file");
  }
}

void SafetensorsFile::read_header(std::string_view header, std::span<const uint8_t> data) {
  const json entries = json::parse(header);
  for (const auto& [name, entry] : entries.items()) {
    if (name == kMetadata) {
      metadata_ = entry.get<TextMap>();
      continue;
    }
    ArrayView array{name, entry.at("dtype"), entry.at("shape"), {}};
    const auto [begin, end] = entry.at("data_offsets").get<std::pair<uint64_t, uint64_t>>();
    const int64_t element = element_bytes(array.dtype);
    require(element > 0, ExitCode::kBadInput, path_.string(), ": ", name, " has the unknown dtype ",
            array.dtype);
    require(begin <= end && end <= data.size(), ExitCode::kBadInput, path_.string(),
            ": truncated at ", name);
    require(bytes_of_shape(array.shape, element) == static_cast<int64_t>(end - begin),
            ExitCode::kBadInput, path_.string(), ": the length of ", name,
            " does not follow from its shape");
    array.bytes = data.subspan(begin, end - begin);
    arrays_.push_back(std::move(array));
  }
  const uint8_t* next = data.data();
  std::ranges::sort(arrays_, {}, [](const ArrayView& array) {
    return std::pair(array.bytes.data(), array.bytes.size());
  });
  for (const auto& array : arrays_) {
    require(array.bytes.data() == next, ExitCode::kBadInput, path_.string(),
            ": a gap or an overlap before ", array.name);
    next += array.bytes.size();
  }
  require(next == data.data() + data.size(), ExitCode::kBadInput, path_.string(),
          ": bytes behind the last array");
}

const ArrayView& SafetensorsFile::operator[](std::string_view name) const {
  const auto found = std::ranges::find(arrays_, name, &ArrayView::name);
  require(found != arrays_.end(), ExitCode::kBadInput, path_.string(), ": has no array called ",
          name);
  return *found;
}

std::vector<float> float_values(const ArrayView& array) {
  require(array.dtype == "F32", ExitCode::kBadInput, array.name, ": is ", array.dtype,
          ", expected F32");
  std::vector<float> values(array.bytes.size() / sizeof(float));
  // The header may end anywhere, so the mapped floats need not be aligned.
  if (!values.empty()) std::memcpy(values.data(), array.bytes.data(), array.bytes.size());
  return values;
}

}  // namespace reprise
