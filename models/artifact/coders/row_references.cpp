#include "models/artifact/coders/row_references.h"

#include <algorithm>
#include <cmath>

namespace reprise {
namespace {

constexpr size_t kFarthestRow = 255;
/// Shorter rows have nothing to save.
constexpr size_t kShortestRow = 8;
/// Bits that a reference must save: those that name it, about, and some for the row's level.
constexpr double kReferenceBits = 14;
/// Of the rounding that even a perfect prediction leaves.
constexpr double kLeastVariance = 0.1;

int predict(char above, RowReference reference) {
  return (code_of(above) * reference.quarters + 2) >> 2;
}

int64_t inner_product(std::string_view a, std::string_view b) {
  constexpr size_t kBlock = 1 << 16;  // 2^16 products of at most 2^14 fit in 32 bits
  int64_t total = 0;
  for (size_t begin = 0; begin < a.size(); begin += kBlock) {
    int32_t sum = 0;
    for (size_t j = begin; j < std::min(begin + kBlock, a.size()); ++j)
      sum += code_of(a[j]) * code_of(b[j]);
    total += sum;
  }
  return total;
}

double row_bits(double square, size_t columns) {
  const auto count = static_cast<double>(columns);
  return count / 2 * std::log2(square / count + kLeastVariance);
}

RowReference best_reference(const CodeRows& codes, const std::vector<int64_t>& squares, size_t i) {
  const std::string_view row = codes.row(i);
  RowReference best;
  double least = row_bits(static_cast<double>(squares[i]), row.size()) - kReferenceBits;
  for (size_t distance = 1; distance <= std::min(i, kFarthestRow); ++distance) {
    const std::string_view above = codes.row(i - distance).substr(0, row.size());
    const int64_t square = squares[i - distance];
    if (square == 0) continue;
    const int64_t product = inner_product(row, above);
    const auto quarters = static_cast<int64_t>(
        std::lround(4 * static_cast<double>(product) / static_cast<double>(square)));
    if (quarters == 0 || std::abs(quarters) > kMostQuarters) continue;
    const double factor = static_cast<double>(quarters) / 4;
    const double left = static_cast<double>(squares[i]) -
                        2 * factor * static_cast<double>(product) +
                        factor * factor * static_cast<double>(square);
    const double bits = row_bits(std::max(left, 0.0), row.size());
    if (bits >= least) continue;
    least = bits;
    best = {static_cast<uint8_t>(distance), static_cast<int8_t>(quarters)};
  }
  return best;
}

}  // namespace

std::vector<RowReference> find_references(const CodeRows& codes) {
  if (codes.row_bytes < kShortestRow) return {};
  std::vector<int64_t> squares;
  for (size_t i = 0; i < codes.rows(); ++i)
    squares.push_back(inner_product(codes.row(i), codes.row(i)));
  std::vector<RowReference> references;
  for (size_t i = 0; i < codes.rows(); ++i) references.push_back(best_reference(codes, squares, i));
  const bool any = std::ranges::any_of(references, [](auto row) { return row.distance > 0; });
  return any ? references : std::vector<RowReference>{};
}

std::string subtract_references(const CodeRows& codes,
                                const std::vector<RowReference>& references) {
  std::string rest(codes.bytes);
  for (size_t i = 0; i < references.size(); ++i) {
    const size_t back = references[i].distance * codes.row_bytes;
    if (back == 0) continue;
    const size_t begin = i * codes.row_bytes;
    for (size_t at = begin; at < std::min(begin + codes.row_bytes, rest.size()); ++at)
      rest[at] = static_cast<char>(code_of(codes.bytes[at]) -
                                   predict(codes.bytes[at - back], references[i]));
  }
  return rest;
}

void add_reference(std::string& bytes, size_t row_bytes, size_t i, RowReference reference) {
  const size_t back = reference.distance * row_bytes, begin = i * row_bytes;
  for (size_t at = begin; at < std::min(begin + row_bytes, bytes.size()); ++at)
    bytes[at] = static_cast<char>(code_of(bytes[at]) + predict(bytes[at - back], reference));
}

}  // namespace reprise
