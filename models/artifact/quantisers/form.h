// How a tensor is stored: its form names the streams of bytes it becomes and their lengths, which
// follow from the form and the shape. Packing, loading and the ledger all read them here.
//
// A form is a body, which codes every weight, and what may be added to it:
//
//   weights = columns kept apart, where there are any, else (body + low-rank matrix) H^T
//
// docs/artifact.md gives the streams byte for byte.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/options.h"

namespace reprise {

/// The body.
enum class Scheme { kHalf, kRows, kSingle, kFloat8, kBinary, kTernary, kCodebook, kAdditive };
template <>
struct EnumNames<Scheme> {
  static constexpr std::array names{
      std::pair{Scheme::kHalf, "half"},         std::pair{Scheme::kRows, "rows"},
      std::pair{Scheme::kSingle, "single"},     std::pair{Scheme::kFloat8, "float8"},
      std::pair{Scheme::kBinary, "binary"},     std::pair{Scheme::kTernary, "ternary"},
      std::pair{Scheme::kCodebook, "codebook"}, std::pair{Scheme::kAdditive, "additive"}};
};

/// Why a byte is there.
enum class Cause {
  kHeader,
  kGate,
  kFraming,
  kDirectory,
  kTokenizer,
  kValues,
  kScales,
  kCodebooks,
  kCodes,
  kDecoder,
  kPadding,
  kOutliers,
  kResidual
};
template <>
struct EnumNames<Cause> {
  static constexpr std::array names{
      std::pair{Cause::kHeader, "header"},       std::pair{Cause::kGate, "gate"},
      std::pair{Cause::kFraming, "framing"},     std::pair{Cause::kDirectory, "directory"},
      std::pair{Cause::kTokenizer, "tokenizer"}, std::pair{Cause::kValues, "values"},
      std::pair{Cause::kScales, "scales"},       std::pair{Cause::kCodebooks, "codebooks"},
      std::pair{Cause::kCodes, "codes"},         std::pair{Cause::kDecoder, "decoder"},
      std::pair{Cause::kPadding, "padding"},     std::pair{Cause::kOutliers, "outliers"},
      std::pair{Cause::kResidual, "residual"}};
};

struct StreamLayout {
  Cause cause = Cause::kCodes;
  int64_t bytes = 0;          ///< before coding
  int64_t element_bytes = 1;  ///< unit of the byte shuffle
  int64_t row_bytes = 0;      ///< of codes: those of one row of the tensor; 0: no rows
};

/// What the tensor has not is 0. The names visited are those of the directory.
struct Form {
  Scheme scheme = Scheme::kHalf;
  int64_t entries = 0;   ///< of each codebook, of those that the scheme has
  int64_t vector = 0;    ///< weights that one code stands for
  int64_t outliers = 0;  ///< columns kept apart
  int64_t rank = 0;      ///< of the matrix added to the body
  int64_t rotated = 0;   ///< 1: the body is that of W H

  template <class Visitor>
  void visit(Visitor&& field) {
    field("entries", entries);
    field("vector", vector);
    field("outliers", outliers);
    field("rank", rank);
    field("rotated", rotated);
  }

  bool operator==(const Form&) const = default;
};

/// More would be no residual: 256 terms of a matrix 1,024 wide take two bits a weight. It also
/// bounds what decoding a file may take, for its length.
inline constexpr int64_t kLargestResidualRank = 256;

struct TensorShape {
  std::string name;
  Form form = {};
  std::vector<int64_t> shape = {};

  int64_t elements() const;
  int64_t rows() const { return shape.empty() ? 1 : shape[0]; }
  int64_t columns() const { return elements() / rows(); }
  /// half: values, one binary16 an element. single: values, one binary32 an element. float8: a
  /// binary16 scale; values, one E4M3 an element. The others: scales, one binary16 a row, and
  ///   rows: codes, one signed byte an element;
  ///   binary: codes, a bit an element;
  ///   ternary: codes, five elements of a row to a byte;
  ///   codebook: codebooks, one binary16 an entry; codes, one signed byte an element;
  ///   additive: codebooks, two of `entries` vectors of binary16; codes of the first, codes of the
  ///   second, one byte for every `vector` elements of a row.
  /// Then those of the additions (additions.h).
  std::vector<StreamLayout> streams() const;
};

/// Throws kBadInput where a tensor of this shape cannot have this form.
void check_form(const TensorShape& tensor);

/// The values of streams that have the lengths of `shape.streams()`.
std::vector<float> dequantise(const TensorShape& shape, std::span<const std::string_view> streams);

}  // namespace reprise
