// The ledger of segments: what a killed run finished is kept, what was cut short or damaged is
// scored again.
#include "eval/trace/ledger.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "base/file.h"
#include "eval/trace/merge.h"
#include "tests/eval/synthetic_trace.h"
#include "tests/support/temporary_folder.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

class LedgerTest : public testing::Test {
 protected:
  SegmentLedger open(const std::string& configuration = "a") {
    return SegmentLedger(folder_.path() / "segments", configuration, *comm_);
  }

  /// A segment as evaluation leaves one: a trace of one document of `tokens` per unit.
  void finish(SegmentLedger& ledger, UnitRange units, uint32_t tokens = 5) {
    const Trace trace = make_synthetic_trace(
        std::vector<uint32_t>(static_cast<size_t>(units.count), tokens), Passes::kRefined);
    ledger.add(units, [&](const fs::path& path) {
      write_trace(path, trace.passes, trace.tokens, trace.documents, trace.attributes);
    });
  }

  fs::path file(const std::string& name) const { return folder_.path() / "segments" / name; }

  TemporaryFolder folder_;
  std::unique_ptr<Communicator> comm_ = make_self_communicator();
};

TEST_F(LedgerTest, KeepsWhatWasFinished) {
  {
    SegmentLedger ledger = open();
    EXPECT_TRUE(ledger.finished().empty());
    finish(ledger, {4, 2});
    finish(ledger, {0, 4});
    const auto all = ledger.all(*comm_);
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[0].units, (UnitRange{0, 4}));
  }
  const SegmentLedger again = open();
  ASSERT_EQ(again.finished().size(), 2u);
  EXPECT_EQ(again.finished()[1].units, (UnitRange{4, 2}));
}

TEST_F(LedgerTest, JoinsLedgersOfEarlierRanks) {
  {
    SegmentLedger ledger = open();
    finish(ledger, {0, 1});
    finish(ledger, {1, 1});
  }
  const std::string lines = read_file(file("ledger.0.jsonl"));
  const size_t second = lines.find('\n') + 1;
  write_file(file("ledger.0.jsonl"), lines.substr(0, second));
  write_file(file("ledger.3.jsonl"), lines.substr(second));
  EXPECT_EQ(open().finished().size(), 2u);
  EXPECT_FALSE(fs::exists(file("ledger.3.jsonl")));
  EXPECT_EQ(open().finished().size(), 2u);
}

TEST_F(LedgerTest, LineCutShortIsScoredAgain) {
  {
    SegmentLedger ledger = open();
    finish(ledger, {0, 1});
    finish(ledger, {1, 1});
  }
  const std::string lines = read_file(file("ledger.0.jsonl"));
  write_file(file("ledger.0.jsonl"), lines.substr(0, lines.size() - 10));
  const SegmentLedger again = open();
  ASSERT_EQ(again.finished().size(), 1u);
  EXPECT_FALSE(fs::exists(again.path_of({1, 1})));
}

TEST_F(LedgerTest, DamagedSegmentIsScoredAgain) {
  fs::path damaged;
  {
    SegmentLedger ledger = open();
    finish(ledger, {0, 1});
    finish(ledger, {1, 1});
    damaged = ledger.path_of({0, 1});
  }
  std::fstream(damaged, std::ios::in | std::ios::out | std::ios::binary).seekp(3000).put('!');
  const SegmentLedger again = open();
  ASSERT_EQ(again.finished().size(), 1u);
  EXPECT_EQ(again.finished()[0].units.first, 1);
  EXPECT_FALSE(fs::exists(damaged));
}

TEST_F(LedgerTest, AnotherConfigurationIsRefused) {
  SegmentLedger ledger = open("a");
  finish(ledger, {0, 1});
  try {
    open("b");
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kBadInput);
    EXPECT_THAT(error.what(), testing::HasSubstr("another configuration"));
  }
}

TEST(UnfinishedRanges, CoverWhatIsLeft) {
  const std::vector<Segment> finished = {{.units = {2, 3}}, {.units = {9, 1}}};
  const std::vector<UnitRange> expected = {{0, 2}, {5, 2}, {7, 2}, {10, 2}, {12, 1}};
  EXPECT_EQ(unfinished_ranges(13, 2, finished), expected);
  EXPECT_TRUE(unfinished_ranges(0, 2, {}).empty());
  EXPECT_TRUE(unfinished_ranges(10, 2, {{.units = {0, 10}}}).empty());
}

TEST_F(LedgerTest, SegmentsBecomeOneFileInUnitOrder) {
  SegmentLedger ledger = open();
  finish(ledger, {2, 2}, 7);
  finish(ledger, {0, 2}, 3);
  const fs::path path = folder_ / "trace.h5";
  const auto join = [](const std::vector<TraceAttributes>& parts) {
    TraceAttributes whole = parts[0];
    whole.ranks = static_cast<int64_t>(parts.size());
    return whole;
  };
  merge_segments(folder_ / "segments", ledger.all(*comm_), 4, path, join);
  const Trace merged = read_trace(path);
  EXPECT_EQ(merged.documents.tokens, (std::vector<uint32_t>{3, 3, 7, 7}));
  EXPECT_EQ(merged.documents.first_token, (std::vector<uint64_t>{0, 3, 6, 13}));
  EXPECT_EQ(merged.tokens.document.back(), 3u);
  EXPECT_EQ(merged.attributes.ranks, 2);
}

TEST_F(LedgerTest, GapsAndChangedSegmentsDoNotMerge) {
  SegmentLedger ledger = open();
  finish(ledger, {0, 2});
  finish(ledger, {3, 1});
  const fs::path path = folder_ / "trace.h5";
  const auto join = [](const std::vector<TraceAttributes>& parts) { return parts[0]; };
  EXPECT_THROW(merge_segments(folder_ / "segments", ledger.all(*comm_), 4, path, join), Error);
  finish(ledger, {2, 1});
  const auto all = ledger.all(*comm_);
  std::ofstream(ledger.path_of({2, 1}), std::ios::app) << "more";
  EXPECT_THROW(merge_segments(folder_ / "segments", all, 4, path, join), Error);
  EXPECT_FALSE(fs::exists(path));
}

}  // namespace
}  // namespace reprise
