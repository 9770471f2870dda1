// Rows that resemble earlier rows: embeddings of tokens that training never met are nearly copies
// of one another. Such a row is coded as what it differs from a quarter's multiple of the other.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace reprise {

/// Bytes as codes: rows of `row_bytes`, the last may be shorter.
struct CodeRows {
  std::string_view bytes;
  size_t row_bytes = 1;

  size_t rows() const { return (bytes.size() + row_bytes - 1) / row_bytes; }
  std::string_view row(size_t i) const { return bytes.substr(i * row_bytes, row_bytes); }
};

/// A byte as the signed code it is.
inline int code_of(char byte) { return static_cast<signed char>(byte); }

/// The row `distance` above, times `quarters` / 4.
struct RowReference {
  uint8_t distance = 0;  ///< 0: none
  int8_t quarters = 0;
};
inline constexpr int kMostQuarters = 8;

/// For every row the one that leaves the least, where that saves more than naming it takes; empty
/// where no row has one.
std::vector<RowReference> find_references(const CodeRows& codes);

/// What the rows differ from their references, modulo 256.
std::string subtract_references(const CodeRows& codes, const std::vector<RowReference>& references);

/// Makes row `i` of `bytes` from what it differs; the rows above are whole.
void add_reference(std::string& bytes, size_t row_bytes, size_t i, RowReference reference);

}  // namespace reprise
