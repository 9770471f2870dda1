#include "models/artifact/coders/rans.h"

#include <algorithm>
#include <array>

#include "models/artifact/coders/counted_table.h"
#include "models/artifact/coders/row_references.h"
#include "models/artifact/coders/spread_levels.h"

namespace reprise {
namespace {

/// The first byte: 0, by counts; else, by spreads, 1 + tails, and 4 more where rows refer to
/// others.
constexpr int kByCounts = 0, kBySpreads = 1, kReferring = kMostTails + 1;

size_t lane_of(size_t index) { return index % kRansLanes; }

CountedTable::Weights flat_prior(uint64_t weight) {
  CountedTable::Weights weights;
  weights.fill(weight);
  return weights;
}

/// Half a byte seen for every byte: Krichevsky and Trofimov, "The performance of universal
/// encoding", 1981.
CountedTable::Weights byte_prior() { return flat_prior(CountedTable::kSeen / 2); }

/// Of offsets: halves every other step away from 0.
CountedTable::Weights offset_prior() {
  CountedTable::Weights weights{};
  for (int offset = -kMostOffset; offset <= kMostOffset; ++offset)
    weights[static_cast<uint8_t>(offset)] =
        std::max<uint64_t>(1, CountedTable::kSeen / 2 >> std::abs(offset) / 2);
  return weights;
}

std::string encode_by_counts(std::string_view bytes) {
  RansWriter writer;
  CountedTable table(byte_prior());
  for (size_t i = 0; i < bytes.size(); ++i)
    table.write(writer, static_cast<uint8_t>(bytes[i]), lane_of(i));
  return writer.finish().insert(0, 1, kByCounts);
}

void decode_by_counts(RansReader& reader, std::string& bytes) {
  CountedTable table(byte_prior());
  for (size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<char>(table.read(reader, lane_of(i)));
}

void write_offsets(RansWriter& writer, const std::vector<int8_t>& offsets) {
  CountedTable table(offset_prior());
  for (const int8_t offset : offsets) table.write(writer, static_cast<uint8_t>(offset), 0);
}

bool read_offsets(RansReader& reader, std::vector<int8_t>& offsets) {
  CountedTable table(offset_prior());
  for (int8_t& offset : offsets) {
    offset = static_cast<int8_t>(table.read(reader, 0));
    if (std::abs(offset) > kMostOffset) return false;
  }
  return true;
}

/// Few rows have a reference, and those mostly to a row nearby.
CountedTable::Weights distance_prior() {
  CountedTable::Weights weights = flat_prior(1);
  weights[0] = 64 * CountedTable::kSeen;
  weights[1] = CountedTable::kSeen;
  return weights;
}

void write_references(RansWriter& writer, const std::vector<RowReference>& references) {
  CountedTable distances(distance_prior()), factors(flat_prior(1));
  for (const RowReference& reference : references) {
    distances.write(writer, reference.distance, 0);
    if (reference.distance) factors.write(writer, static_cast<uint8_t>(reference.quarters), 0);
  }
}

bool read_references(RansReader& reader, std::vector<RowReference>& references) {
  CountedTable distances(distance_prior()), factors(flat_prior(1));
  for (size_t i = 0; i < references.size(); ++i) {
    references[i].distance = distances.read(reader, 0);
    if (references[i].distance == 0) continue;
    references[i].quarters = static_cast<int8_t>(factors.read(reader, 0));
    if (references[i].distance > i || std::abs(references[i].quarters) > kMostQuarters)
      return false;
  }
  return true;
}

std::string encode_by_spreads(const CodeRows& whole) {
  const std::vector<RowReference> references = find_references(whole);
  const std::string rest = subtract_references(whole, references);
  const CodeRows codes{rest, whole.row_bytes};
  const SpreadLevels levels = fit_levels(codes);
  RansWriter writer;
  write_references(writer, references);
  writer.add_raw(static_cast<uint8_t>(levels.shape.largest), 0);
  writer.add_raw(static_cast<uint8_t>(levels.base), 0);
  write_offsets(writer, levels.rows);
  write_offsets(writer, levels.columns);
  SpreadTables tables(levels.shape);
  for (size_t i = 0; i < codes.rows(); ++i) {
    const std::string_view row = codes.row(i);
    for (size_t j = 0; j < row.size(); ++j)
      tables.at(levels.base + levels.rows[i] + levels.columns[j])
          .write(writer, static_cast<uint8_t>(row[j]), lane_of(j));
  }
  const int way = kBySpreads + levels.shape.tails + (references.empty() ? 0 : kReferring);
  return writer.finish().insert(0, 1, static_cast<char>(way));
}

bool read_levels(RansReader& reader, SpreadLevels& levels) {
  levels.shape.largest = reader.read_raw(0);
  levels.base = reader.read_raw(0);
  return levels.shape.largest >= 1 && levels.shape.largest <= 127 && levels.base < kSpreadLevels &&
         read_offsets(reader, levels.rows) && read_offsets(reader, levels.columns);
}

/// The table of every sum of offsets that occurs, by base + sum + 2 kMostOffset.
class TablesBySum {
 public:
  explicit TablesBySum(const SpreadLevels& levels) : tables_(levels.shape) {
    std::array<bool, 2 * kMostOffset + 1> in_rows{}, in_columns{};
    for (const int8_t offset : levels.rows)
      in_rows[static_cast<size_t>(offset + kMostOffset)] = true;
    for (const int8_t offset : levels.columns)
      in_columns[static_cast<size_t>(offset + kMostOffset)] = true;
    for (size_t row = 0; row < in_rows.size(); ++row)
      for (size_t column = 0; column < in_columns.size(); ++column)
        if (in_rows[row] && in_columns[column])
          by_sum_[row + column] =
              &tables_.at(levels.base + static_cast<int>(row + column) - 2 * kMostOffset);
  }
  /// To be indexed by columns[j].
  const SymbolTable* const* of_row(int8_t offset) const {
    return by_sum_.data() + offset + 2 * kMostOffset;
  }

 private:
  SpreadTables tables_;
  std::array<const SymbolTable*, 4 * kMostOffset + 1> by_sum_{};
};

bool decode_by_spreads(RansReader& reader, int way, size_t row_bytes, std::string& bytes) {
  SpreadLevels levels;
  levels.shape.tails = (way - kBySpreads) % kReferring;
  levels.rows.resize(CodeRows{bytes, row_bytes}.rows());
  levels.columns.resize(row_bytes);
  const bool referring = way - kBySpreads >= kReferring;
  std::vector<RowReference> references(referring ? levels.rows.size() : 0);
  if (!read_references(reader, references) || !read_levels(reader, levels)) return false;
  const TablesBySum tables(levels);
  for (size_t i = 0, at = 0; at < bytes.size(); ++i) {
    const SymbolTable* const* row = tables.of_row(levels.rows[i]);
    const size_t columns = std::min(row_bytes, bytes.size() - at);
    for (size_t j = 0; j < columns; ++j, ++at)
      bytes[at] = static_cast<char>(row[levels.columns[j]]->read(reader, lane_of(j)));
    if (!references.empty()) add_reference(bytes, row_bytes, i, references[i]);
  }
  return true;
}

}  // namespace

std::string encode_rans(std::string_view bytes, int64_t row_bytes) {
  std::string by_counts = encode_by_counts(bytes);
  if (row_bytes <= 0 || bytes.empty()) return by_counts;
  const size_t columns = std::min(static_cast<size_t>(row_bytes), bytes.size());
  std::string by_spreads = encode_by_spreads({bytes, columns});
  return by_spreads.size() < by_counts.size() ? by_spreads : by_counts;
}

bool decode_rans(std::string_view coded, int64_t row_bytes, std::string& bytes) {
  if (coded.empty()) return false;
  const int way = static_cast<uint8_t>(coded[0]);
  RansReader reader(coded.substr(1));
  if (way == kByCounts) {
    decode_by_counts(reader, bytes);
  } else {
    if (way >= kBySpreads + 2 * kReferring || row_bytes <= 0 || bytes.empty()) return false;
    const size_t columns = std::min(static_cast<size_t>(row_bytes), bytes.size());
    if (!decode_by_spreads(reader, way, columns, bytes)) return false;
  }
  return reader.ended_well();
}

}  // namespace reprise
