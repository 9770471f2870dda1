// One-dimensional datasets that grow by blocks and are read by ranges: the only shape a trace or an
// index needs.
//
// Chunks of 64 Ki elements, byte shuffle and deflate level 1 (higher levels cost five times the
// time and save nothing), optionally a checksum per chunk. Element types: uint8_t, uint16_t,
// uint32_t, uint64_t, int64_t, float, double, and std::string as UTF-8 of fixed width. A column is
// read with the type it was written with, never converted.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/hdf5/file.h"

namespace reprise::hdf5 {

inline constexpr int64_t kChunkElements = 64 * 1024;

struct ColumnOptions {
  std::string units;      ///< attribute `units`: "nats", "bytes", "1" for a bare number
  std::string long_name;  ///< attribute `long_name`: what it is, in words
  int64_t width = 0;      ///< bytes of a text; for std::string only, where it must be positive
  bool checksum = false;  ///< fletcher32: a damaged chunk is an error when it is read
};

template <class T>
class Column : public Node {
 public:
  static Column create(const Group& group, const std::string& name, const ColumnOptions& options);
  /// Throws kBadInput where it is missing, of another type or not one-dimensional.
  static Column open(const Group& group, const std::string& name);

  int64_t size() const;
  void append(std::span<const T> values);
  /// Elements [first, first + out.size()).
  void read(int64_t first, std::span<T> out) const;
  std::vector<T> read_all() const;

 private:
  using Node::Node;
};

/// Makes the column a dimension scale: others attached to it share its dimension, named as the
/// column is.
void make_scale(const Node& column);
/// Names the dimension of `column` after `scale`. Both have the same length in the end.
void attach_scale(const Node& column, const Node& scale);

}  // namespace reprise::hdf5
