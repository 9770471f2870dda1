// How a tensor is stored: the scheme names the streams of bytes it becomes and their lengths, which
// follow from the shape. Packing, loading and the ledger all read them here.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/options.h"

namespace reprise {

enum class Scheme { kHalf, kRows };
template <>
struct EnumNames<Scheme> {
  static constexpr std::array names{std::pair{Scheme::kHalf, "half"},
                                    std::pair{Scheme::kRows, "rows"}};
};

/// Why a byte is there.
enum class Cause { kHeader, kFraming, kDirectory, kTokenizer, kValues, kScales, kCodes, kDecoder };
template <>
struct EnumNames<Cause> {
  static constexpr std::array names{
      std::pair{Cause::kHeader, "header"},       std::pair{Cause::kFraming, "framing"},
      std::pair{Cause::kDirectory, "directory"}, std::pair{Cause::kTokenizer, "tokenizer"},
      std::pair{Cause::kValues, "values"},       std::pair{Cause::kScales, "scales"},
      std::pair{Cause::kCodes, "codes"},         std::pair{Cause::kDecoder, "decoder"}};
};

struct StreamLayout {
  Cause cause = Cause::kCodes;
  int64_t bytes = 0;          ///< before coding
  int64_t element_bytes = 1;  ///< unit of the byte shuffle
};

struct TensorShape {
  std::string name;
  Scheme scheme = Scheme::kHalf;
  std::vector<int64_t> shape;

  int64_t elements() const;
  int64_t rows() const { return shape.empty() ? 1 : shape[0]; }
  int64_t columns() const { return elements() / rows(); }
  /// half: values, one binary16 an element. rows: scales, one binary16 a row; codes, one signed
  /// byte an element.
  std::vector<StreamLayout> streams() const;
};

}  // namespace reprise
