// Named arrays in one file, in the safetensors layout, so that other programs read what we write:
//
//   8 bytes    length of the header, little-endian
//   header     JSON {"__metadata__": {text: text}, name: {"dtype", "shape", "data_offsets"}, ...},
//              padded with spaces to a multiple of 8 bytes
//   data       the arrays end to end, row-major, little-endian, without gaps, in the order they
//   were given;
//              data_offsets [begin, end) count from the end of the header
//
// Known dtypes: F64, F32, BF16, F16, I64, I32, U8. Nothing here knows libtorch.
// Format: https://github.com/huggingface/safetensors (README, "Format").
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/file.h"

namespace reprise {

/// An array somewhere in memory; not owned.
struct ArrayView {
  std::string name;
  std::string dtype = "F32";
  std::vector<int64_t> shape;  ///< empty: a single number
  std::span<const uint8_t> bytes;

  static ArrayView of(std::string name, std::vector<int64_t> shape, std::span<const float> values);
};

using TextMap = std::map<std::string, std::string>;

/// Writes the file whole or not at all (base/file.h); throws kFailure. Returns the SHA-256 of its
/// bytes.
Sha256 write_safetensors(const std::filesystem::path& path, std::span<const ArrayView> arrays,
                         const TextMap& metadata = {});

/// A file of arrays, mapped. Opening checks the whole layout: known dtypes, lengths that follow
/// from the shapes, no gap, no overlap, nothing behind the last array. Throws kBadInput, in one
/// line, on anything else.
class SafetensorsFile {
 public:
  explicit SafetensorsFile(const std::filesystem::path& path);

  /// In the order of their data, which is the order they were written in.
  const std::vector<ArrayView>& arrays() const { return arrays_; }
  const TextMap& metadata() const { return metadata_; }
  /// Throws kBadInput where there is no array of that name.
  const ArrayView& operator[](std::string_view name) const;
  /// Gives back the memory of what was read; it comes from the disk again where it is read again.
  void forget() const { file_.forget(); }

 private:
  void read_header(std::string_view header, std::span<const uint8_t> data);

  std::filesystem::path path_;
  MappedFile file_;
  std::vector<ArrayView> arrays_;
  TextMap metadata_;
};

/// The values of an F32 array; throws kBadInput for another dtype.
std::vector<float> float_values(const ArrayView& array);

/// Bytes of one element, or 0 for a dtype that is not known.
int64_t element_bytes(std::string_view dtype);

}  // namespace reprise
