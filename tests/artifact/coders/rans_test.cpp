#include "models/artifact/coders/rans.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/file.h"
#include "base/random.h"
#include "models/artifact/coders/coder.h"
#include "models/artifact/coders/counted_table.h"
#include "models/artifact/coders/spread_levels.h"

namespace reprise {
namespace {

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

/// Rows and columns of unlike spread.
struct CodeMatrix {
  size_t rows = 0, columns = 0;
  std::string codes = {};
  double ideal_bits = 0;  ///< for who knows every spread
};

double normal_mass(double low, double high) {
  return (std::erfc(-high / std::sqrt(2.0)) - std::erfc(-low / std::sqrt(2.0))) / 2;
}

CodeMatrix random_codes(size_t rows, size_t columns, double spread, uint64_t seed) {
  CodeMatrix matrix{rows, columns};
  const RandomStream codes(seed, Purpose::kTest), scales(seed, Purpose::kTest, 1);
  for (size_t i = 0; i < rows; ++i)
    for (size_t j = 0; j < columns; ++j) {
      const double deviation =
          spread * std::exp(0.4 * scales.normal(i) + 0.3 * scales.normal(rows + j));
      const double value = std::round(deviation * codes.normal(i * columns + j));
      matrix.codes += static_cast<char>(static_cast<int>(value));
      matrix.ideal_bits -=
          std::log2(normal_mass((value - 0.5) / deviation, (value + 0.5) / deviation));
    }
  return matrix;
}

bool decodes(std::string_view coded, int64_t row_bytes, size_t size) {
  std::string bytes(size, '\0');
  return decode_rans(coded, row_bytes, bytes);
}

// A raw byte has 64 slots. The state 65,536 becomes 65,536 / 64 * 16,384 + 64 * byte.
TEST(RansStates, AreThoseOfACalculationByHand) {
  RansWriter writer;
  EXPECT_EQ(writer.finish(), std::string("\0\0\1\0\0\0\1\0", 8));
  writer.add_raw(3, 0);
  EXPECT_EQ(writer.finish(), std::string("\xC0\0\0\1\0\0\1\0", 8));
  // Once more: 16,777,408 is at or above 64 * 2^18, so its low word, 00C0, goes out; 256 stays.
  RansWriter twice;
  twice.add_raw(5, 0);
  twice.add_raw(3, 0);
  EXPECT_EQ(twice.finish(), std::string("\x40\1\1\0\0\0\1\0\xC0\0", 10));
}

TEST(RansStates, GiveBackWhatWasWrittenAndNoticeTheEnd) {
  RansWriter writer;
  const RandomStream stream(1, Purpose::kTest);
  const auto range_at = [&](uint64_t i) {
    const auto start = static_cast<uint16_t>(stream.below(2 * i, kRansTotal));
    return SlotRange{
        start, static_cast<uint16_t>(1 + stream.below(2 * i + 1, kRansTotal - uint64_t{start}))};
  };
  for (uint64_t i = 0; i < 5'000; ++i) writer.add(range_at(i), i % 3 == 0);
  const std::string coded = writer.finish();
  const auto reads = [&](const std::string& text) {
    RansReader reader(text);
    bool inside = true;
    for (uint64_t i = 0; i < 5'000; ++i) {
      const SlotRange range = range_at(i);
      const uint32_t slot = reader.slot(i % 3 == 0);
      inside = inside && slot >= range.start && slot < uint32_t{range.start} + range.frequency;
      reader.advance(range, i % 3 == 0);
    }
    return inside && reader.ended_well();
  };
  EXPECT_TRUE(reads(coded));
  EXPECT_FALSE(reads(coded + '\0'));
  EXPECT_FALSE(reads(coded + std::string(2, '\0')));
  EXPECT_FALSE(reads(coded.substr(0, coded.size() - 1)));
  EXPECT_FALSE(reads(coded.substr(0, 5)));
}

TEST(SymbolTable, FillsItsSlotsInProportionAndEscapesTheRest) {
  std::array<uint64_t, 256> weights{};
  weights[7] = 3'000'000'000;
  weights[9] = 1'000'000'000;
  weights[200] = 1;  // far less than a slot
  const SymbolTable table(weights);
  EXPECT_EQ(table.range(7).start, 0);
  EXPECT_EQ(table.range(7).frequency, 16'383 * 3 / 4);
  EXPECT_EQ(table.range(9).start, 16'383 * 3 / 4);
  EXPECT_EQ(table.range(9).frequency, 16'383 - 16'383 * 3 / 4 - 1);
  EXPECT_EQ(table.cost(8), 22);
  RansWriter writer;
  for (int byte = 0; byte < 256; ++byte) table.write(writer, static_cast<uint8_t>(byte), byte % 2);
  const std::string coded = writer.finish();
  RansReader reader(coded);
  for (int byte = 0; byte < 256; ++byte) EXPECT_EQ(table.read(reader, byte % 2), byte);
  EXPECT_TRUE(reader.ended_well());
}

TEST(SpreadTables, AreNormalDistributionsClippedAtTheLargest) {
  for (const int largest : {1, 7, 127})
    for (int level = 0; level < kSpreadLevels; ++level) {
      SpreadTables tables({.largest = largest});
      const double deviation = std::exp2(level / 4.0 - 3);
      std::vector<double> expected(256);
      double total = 0;
      for (int code = -1'023; code <= 1'023; ++code) {
        const double weight = std::exp(-code * code / (2 * deviation * deviation));
        expected[static_cast<uint8_t>(std::clamp(code, -largest, largest))] += weight;
        total += weight;
      }
      // Both ends of a range are rounded down, and products in 32 bits.
      for (size_t byte = 0; byte < 256; ++byte)
        EXPECT_NEAR(tables.at(level).range(static_cast<uint8_t>(byte)).frequency,
                    16'383 * expected[byte] / total, 1.5)
            << largest << " " << level << " " << byte;
    }
}

TEST(SpreadTables, LevelsBeyondTheEndsAreTheEnds) {
  SpreadTables tables({.largest = 20, .tails = 2});
  EXPECT_EQ(&tables.at(-50), &tables.at(0));
  EXPECT_EQ(&tables.at(99), &tables.at(kSpreadLevels - 1));
  EXPECT_EQ(nearest_level(1), 12);
  EXPECT_EQ(nearest_level(4), 16);
  EXPECT_EQ(nearest_level(0), 0);
  EXPECT_EQ(nearest_level(1e30), kSpreadLevels - 1);
}

TEST(SpreadTables, MixedSpreadsHaveHeavierTails) {
  SpreadTables plain({.largest = 127}), mixed({.largest = 127, .tails = 3});
  EXPECT_LT(mixed.at(20).cost(20), plain.at(20).cost(20));
  EXPECT_GT(mixed.at(20).cost(5), plain.at(20).cost(5));
}

// tests/golden/make_rans_golden.py wrote the streams from docs/artifact.md.
TEST(Rans, ReadsTheStreamsOfAnotherImplementation) {
  for (const auto& golden : nlohmann::json::parse(read_file(GOLDEN_DIR "/rans.json"))) {
    const std::string expected = from_hex(golden.at("bytes"));
    std::string bytes(expected.size(), '\0');
    EXPECT_TRUE(decode_rans(from_hex(golden.at("stream")), golden.at("row_bytes"), bytes));
    EXPECT_EQ(bytes, expected);
    if (golden.at("row_bytes") == 0) {
      EXPECT_EQ(encode_rans(expected, 0), from_hex(golden.at("stream")));
    }
  }
}

TEST(Rans, ComesNearTheEntropyOfWhoKnowsEverySpread) {
  for (const double spread : {0.4, 1.5, 4.0, 12.0}) {
    const CodeMatrix matrix = random_codes(256, 200, spread, 5);
    const std::string coded = encode_rans(matrix.codes, static_cast<int64_t>(matrix.columns));
    // Rows and columns take some three bits, and a spread between two levels costs 0.4 %.
    const double bits = matrix.ideal_bits * 1.005 + 3.0 * 456 + 200;
    EXPECT_LT(8.0 * static_cast<double>(coded.size()), bits) << spread;
    for (const Coder library : {Coder::kZstd, Coder::kBrotli, Coder::kLzma})
      EXPECT_LT(coded.size(), encode(library, matrix.codes).size()) << spread;
  }
}

TEST(Rans, RowsThatResembleEarlierOnesCostLittle) {
  CodeMatrix matrix = random_codes(96, 64, 5, 6);
  const size_t whole = encode_rans(matrix.codes, 64).size();
  for (size_t at = 48 * 64; at < matrix.codes.size(); ++at) {
    const int above = code_of(matrix.codes[at - 5 * 64]);
    matrix.codes[at] = static_cast<char>(at % 3 == 0 ? above + 1 : above);
  }
  const std::string coded = encode_rans(matrix.codes, 64);
  EXPECT_LT(coded.size(), 0.7 * static_cast<double>(whole));
  std::string bytes(matrix.codes.size(), '\0');
  EXPECT_TRUE(decode_rans(coded, 64, bytes));
  EXPECT_EQ(bytes, matrix.codes);
}

TEST(Rans, RefusesWhatNoEncoderWrites) {
  const std::string bytes(12, '\1');
  const auto stream_of = [](int way, const RansWriter& writer) {
    return writer.finish().insert(0, 1, static_cast<char>(way));
  };
  const auto spreads = [&](int largest, int base, int row_offset) {
    RansWriter writer;
    writer.add_raw(static_cast<uint8_t>(largest), 0);
    writer.add_raw(static_cast<uint8_t>(base), 0);
    CountedTable::Weights prior{};
    for (int offset = -kMostOffset; offset <= kMostOffset; ++offset)
      prior[static_cast<uint8_t>(offset)] =
          std::max<uint64_t>(1, CountedTable::kSeen / 2 >> std::abs(offset) / 2);
    CountedTable rows(prior), columns(prior);
    for (const int offset : {row_offset, 0, 0}) rows.write(writer, static_cast<uint8_t>(offset), 0);
    for (int i = 0; i < 4; ++i) columns.write(writer, 0, 0);
    SpreadTables tables({.largest = largest});
    for (int i = 0; i < 12; ++i)
      tables.at(base + (i < 4 ? row_offset : 0)).write(writer, 1, static_cast<size_t>(i % 2));
    return stream_of(1, writer);
  };
  EXPECT_TRUE(decodes(spreads(3, 12, 24), 4, 12));
  EXPECT_FALSE(decodes(spreads(3, 12, 24), 5, 12));
  EXPECT_FALSE(decodes(spreads(3, 12, 24), 0, 12));
  EXPECT_FALSE(decodes(spreads(3, 12, 25), 4, 12));
  EXPECT_FALSE(decodes(spreads(3, kSpreadLevels, 0), 4, 12));
  EXPECT_FALSE(decodes(spreads(128, 12, 0), 4, 12));
  std::string unknown_way = spreads(3, 12, 0);
  unknown_way[0] = 9;
  EXPECT_FALSE(decodes(unknown_way, 4, 12));
  EXPECT_FALSE(decodes("", 4, 12));
  EXPECT_FALSE(decodes("", 4, 0));
}

TEST(Rans, RefusesAReferenceToARowThatIsNotThere) {
  RansWriter writer;
  CountedTable::Weights prior;
  prior.fill(1);
  prior[0] = 64 * CountedTable::kSeen;
  prior[1] = CountedTable::kSeen;
  CountedTable distances(prior);
  distances.write(writer, 1, 0);  // of the first row
  EXPECT_FALSE(decodes(writer.finish().insert(0, 1, '\5'), 4, 12));
}

}  // namespace
}  // namespace reprise
