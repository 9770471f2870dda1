#include "models/artifact/coders/spread_levels.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace reprise {
namespace {

constexpr int kRounds = 4, kOffsets = 2 * kMostOffset + 1;
/// Rows and columns count as if they had this many more codes of the mean spread: short ones would
/// begin far from what is worth sending.
constexpr double kShrinkage = 16;

/// Bits of every byte at every level.
class Costs {
 public:
  explicit Costs(SpreadShape shape) {
    SpreadTables tables(shape);
    for (int level = 0; level < kSpreadLevels; ++level)
      for (size_t byte = 0; byte < 256; ++byte)
        costs_[static_cast<size_t>(level)][byte] =
            static_cast<float>(tables.at(level).cost(static_cast<uint8_t>(byte)));
  }
  const std::array<float, 256>& at(int level) const {
    return costs_[static_cast<size_t>(std::clamp(level, 0, kSpreadLevels - 1))];
  }

 private:
  std::array<std::array<float, 256>, kSpreadLevels> costs_;
};

/// Bits of an offset among those chosen so far.
std::array<float, kOffsets> offset_costs(const std::vector<int8_t>& offsets) {
  std::array<float, kOffsets> counts;
  for (int i = 0; i < kOffsets; ++i)
    counts[static_cast<size_t>(i)] = std::exp2(-static_cast<float>(std::abs(i - kMostOffset)) / 2);
  for (const int8_t offset : offsets) ++counts[static_cast<size_t>(offset + kMostOffset)];
  const float total = std::accumulate(counts.begin(), counts.end(), 0.0F);
  for (float& count : counts) count = std::log2(total / count);
  return counts;
}

/// `squares`: sums over rows or columns, in units of the mean square expected there.
std::vector<int8_t> offsets_of(const std::vector<double>& squares,
                               const std::vector<double>& counts) {
  std::vector<int8_t> offsets;
  for (size_t i = 0; i < squares.size(); ++i) {
    const double mean = (squares[i] + kShrinkage) / (counts[i] + kShrinkage);
    const auto offset = std::lround(kLevelsPerOctave * 0.5 * std::log2(mean));
    offsets.push_back(static_cast<int8_t>(std::clamp<long>(offset, -kMostOffset, kMostOffset)));
  }
  return offsets;
}

class Fit {
 public:
  explicit Fit(const CodeRows& codes) : codes_(codes) { begin(); }

  SpreadLevels run() {
    Costs costs(levels_.shape);
    for (int round = 0; round < kRounds; ++round) {
      if (round == 1) costs = Costs(levels_.shape = best_shape());
      const bool moved = move_rows(costs) + move_columns(costs) > 0;
      if (round > 1 && !moved) break;
    }
    return levels_;
  }

 private:
  void begin();
  SpreadShape best_shape() const;
  size_t move_rows(const Costs& costs);
  size_t move_columns(const Costs& costs);

  const CodeRows& codes_;
  SpreadLevels levels_;
};

void Fit::begin() {
  const size_t rows = codes_.rows(), columns = codes_.row_bytes;
  double square = 0;
  int largest = 1;
  for (const char byte : codes_.bytes) {
    square += code_of(byte) * code_of(byte);
    largest = std::max(largest, std::abs(code_of(byte)));
  }
  const double mean_square = std::max(square / static_cast<double>(codes_.bytes.size()), 1e-3);
  levels_.shape.largest = std::min(largest, 127);
  levels_.base = nearest_level(mean_square);
  std::vector<double> row_squares(rows), row_counts(rows), squares(columns), counts(columns);
  for (size_t i = 0; i < rows; ++i) {
    for (const char byte : codes_.row(i)) row_squares[i] += code_of(byte) * code_of(byte);
    row_squares[i] /= mean_square;
    row_counts[i] = static_cast<double>(codes_.row(i).size());
  }
  levels_.rows = offsets_of(row_squares, row_counts);
  for (size_t i = 0; i < rows; ++i) {
    const double weight = std::exp2(-2.0 * levels_.rows[i] / kLevelsPerOctave) / mean_square;
    const std::string_view row = codes_.row(i);
    for (size_t j = 0; j < row.size(); ++j) {
      squares[j] += weight * (code_of(row[j]) * code_of(row[j]));
      ++counts[j];
    }
  }
  levels_.columns = offsets_of(squares, counts);
}

/// By the codes' counts at every level.
SpreadShape Fit::best_shape() const {
  std::vector<std::array<uint32_t, 256>> counts(kSpreadLevels);
  for (size_t i = 0; i < codes_.rows(); ++i) {
    const std::string_view row = codes_.row(i);
    for (size_t j = 0; j < row.size(); ++j) {
      const int level = levels_.base + levels_.rows[i] + levels_.columns[j];
      ++counts[static_cast<size_t>(std::clamp(level, 0, kSpreadLevels - 1))]
              [static_cast<uint8_t>(row[j])];
    }
  }
  SpreadShape best = levels_.shape;
  double least = 0;
  for (int tails = 0; tails <= kMostTails; ++tails) {
    const SpreadShape shape{levels_.shape.largest, tails};
    const Costs costs(shape);
    double bits = 0;
    for (int level = 0; level < kSpreadLevels; ++level)
      for (size_t byte = 0; byte < 256; ++byte)
        bits += static_cast<double>(counts[static_cast<size_t>(level)][byte]) *
                static_cast<double>(costs.at(level)[byte]);
    if (tails > 0 && bits >= least) continue;
    least = bits;
    best = shape;
  }
  return best;
}

/// The best of an offset and its neighbours, where bits[0], [1], [2] are those of the codes one
/// below, at and one above `offset`.
int8_t better_offset(int8_t offset, const std::array<double, 3>& bits,
                     const std::array<float, kOffsets>& offset_bits) {
  int8_t best = offset;
  double least = bits[1] + offset_bits[static_cast<size_t>(offset + kMostOffset)];
  for (const int step : {-1, 1}) {
    const int moved = offset + step;
    if (std::abs(moved) > kMostOffset) continue;
    const double total =
        bits[static_cast<size_t>(step + 1)] + offset_bits[static_cast<size_t>(moved + kMostOffset)];
    if (total >= least) continue;
    least = total;
    best = static_cast<int8_t>(moved);
  }
  return best;
}

size_t Fit::move_rows(const Costs& costs) {
  const auto offset_bits = offset_costs(levels_.rows);
  size_t moved = 0;
  for (size_t i = 0; i < codes_.rows(); ++i) {
    const std::string_view row = codes_.row(i);
    std::array<double, 3> bits{};
    for (size_t j = 0; j < row.size(); ++j) {
      const int level = levels_.base + levels_.rows[i] + levels_.columns[j];
      const auto byte = static_cast<uint8_t>(row[j]);
      for (int step = -1; step <= 1; ++step)
        bits[static_cast<size_t>(step + 1)] += costs.at(level + step)[byte];
    }
    const int8_t better = better_offset(levels_.rows[i], bits, offset_bits);
    moved += better != levels_.rows[i];
    levels_.rows[i] = better;
  }
  return moved;
}

size_t Fit::move_columns(const Costs& costs) {
  const auto offset_bits = offset_costs(levels_.columns);
  std::vector<std::array<double, 3>> bits(codes_.row_bytes);
  for (size_t i = 0; i < codes_.rows(); ++i) {
    const std::string_view row = codes_.row(i);
    for (size_t j = 0; j < row.size(); ++j) {
      const int level = levels_.base + levels_.rows[i] + levels_.columns[j];
      const auto byte = static_cast<uint8_t>(row[j]);
      for (int step = -1; step <= 1; ++step)
        bits[j][static_cast<size_t>(step + 1)] += costs.at(level + step)[byte];
    }
  }
  size_t moved = 0;
  for (size_t j = 0; j < codes_.row_bytes; ++j) {
    const int8_t better = better_offset(levels_.columns[j], bits[j], offset_bits);
    moved += better != levels_.columns[j];
    levels_.columns[j] = better;
  }
  return moved;
}

}  // namespace

SpreadLevels fit_levels(const CodeRows& codes) { return Fit(codes).run(); }

}  // namespace reprise
