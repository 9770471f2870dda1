#include "data/documents.h"

#include <gmock/gmock.h>

#include <set>

#include "base/file.h"
#include "data/index.h"
#include "tests/data/samples.h"
#include "tests/support/temporary_folder.h"

namespace reprise {
namespace {
using testing::ElementsAre;
using testing::HasSubstr;

DataOptions options_for(std::vector<std::string> sources) {
  DataOptions options;
  options.source = std::move(sources);
  options.valid_share = options.test_share = 0.2;
  return options;
}

std::set<std::string> hashes(const DocumentPool& pool, Split split) {
  std::set<std::string> found;
  for (const auto& document : pool.documents(split)) found.insert(to_hex(document.hash));
  return found;
}

TEST(Documents, TheHashAloneSaysTheSplit) {
  Sha256 low{}, middle{}, high{};
  middle[24] = 0x40;  // a quarter
  high.fill(0xFF);
  EXPECT_EQ(split_of(low, 0.25, 0.25), Split::kTest);
  EXPECT_EQ(split_of(low, 0.25, 0), Split::kValid);
  EXPECT_EQ(split_of(low, 0, 0), Split::kTrain);
  EXPECT_EQ(split_of(middle, 0.25, 0.25), Split::kValid);
  EXPECT_EQ(split_of(high, 0.5, 0.499), Split::kTrain);
}

TEST(Documents, SplitsAreDisjointAndComplete) {
  const TemporaryFolder folder;
  write_samples(folder.path(), 300);
  const DocumentPool pool(options_for({folder.path().string()}), nullptr);
  std::set<std::string> all;
  for (const Split split : kSplits) all.merge(hashes(pool, split));
  EXPECT_EQ(all.size(), 300u);
  size_t sum = 0;
  for (const Split split : kSplits) sum += pool.documents(split).size();
  EXPECT_EQ(sum, 300u);
  for (int64_t i = 0; i < 300; ++i)
    EXPECT_TRUE(all.contains(to_hex(sha256(sample_text(static_cast<uint64_t>(i))))));
  EXPECT_NEAR(static_cast<double>(pool.documents(Split::kTest).size()), 60, 25);
}

TEST(Documents, OrderAndPlaceOfFilesDoNotMatter) {
  const TemporaryFolder one, other;
  write_samples(one.path(), 60);
  std::string lines;
  for (uint64_t i = 60; i-- > 0;) {
    // JSON by hand: the samples hold no quotes or backslashes, only newlines and tabs.
    std::string escaped;
    for (const char c : sample_text(i))
      escaped += c == '\n' ? "\\n" : c == '\t' ? "\\t" : std::string(1, c);
    lines += concat("{\"text\": \"", escaped, "\"}\n");
  }
  write_file(other / "all.jsonl", lines);
  const DocumentPool files(options_for({concat("d:", one.path().string())}), nullptr);
  const DocumentPool line_by_line(options_for({concat("d:", (other / "all.jsonl").string())}),
                                  nullptr);
  for (const Split split : kSplits) {
    ASSERT_EQ(files.documents(split).size(), line_by_line.documents(split).size());
    for (size_t i = 0; i < files.documents(split).size(); ++i)
      EXPECT_EQ(files.text(files.documents(split)[i]),
                line_by_line.text(line_by_line.documents(split)[i]));
  }
}

TEST(Documents, DuplicatesGoToTheFirstDomain) {
  const TemporaryFolder folder;
  for (const auto* name : {"b", "a", "c"}) write_samples(folder / name, 40);
  write_file(folder / "a/copy.txt", sample_text(3));
  write_file(folder / "c/empty.txt", "");
  const auto path = [&](const char* name) { return (folder / name).string(); };
  const DocumentPool pool(options_for({path("c"), path("b"), path("a")}), nullptr);
  EXPECT_THAT(pool.domains(), ElementsAre("a", "b", "c"));
  EXPECT_EQ(pool.left_out().found, 122);
  EXPECT_EQ(pool.left_out().duplicates, 81);
  EXPECT_EQ(pool.left_out().empty, 1);
  for (const Split split : kSplits)
    for (const auto& document : pool.documents(split))
      EXPECT_EQ(pool.domains()[document.domain], "a");
}

TEST(Documents, LongOnesAreCutBeforeTheyAreHashed) {
  const TemporaryFolder folder;
  write_samples(folder.path(), 50);
  write_file(folder / "long.txt", "ééééé and more");
  write_file(folder / "same.txt", "éééé日本");
  auto options = options_for({folder.path().string()});
  options.max_document_bytes = 9;
  options.valid_share = options.test_share = 0;
  const DocumentPool pool(options, nullptr);
  // Cut to nine bytes, "Document 1\n" and "Document 10\n" are the same nine bytes.
  EXPECT_EQ(pool.left_out().cut, 52);
  EXPECT_EQ(pool.left_out().duplicates, 50);
  const auto all = [&] {
    std::set<std::string> texts;
    for (const Split split : kSplits)
      for (const auto& document : pool.documents(split)) texts.insert(pool.text(document));
    return texts;
  };
  EXPECT_THAT(all(), ElementsAre("Document ", "éééé"));
}

TEST(Documents, TheLimitOfADomainKeepsAStartInOrderOfHash) {
  const TemporaryFolder folder;
  write_samples(folder.path(), 100);
  auto options = options_for({folder.path().string()});
  const DocumentPool whole(options, nullptr);
  options.max_bytes = 15000;
  const DocumentPool part(options, nullptr);
  int64_t bytes = 0, documents = 0;
  for (const Split split : kSplits) {
    const auto& kept = part.documents(split);
    documents += static_cast<int64_t>(kept.size());
    for (size_t i = 0; i < kept.size(); ++i) {
      EXPECT_EQ(kept[i].hash, whole.documents(split)[i].hash);
      bytes += kept[i].bytes;
    }
  }
  EXPECT_LE(bytes, 15000);
  EXPECT_GT(bytes, 14000);
  EXPECT_EQ(part.left_out().beyond_limit, 100 - documents);
}

TEST(Documents, ACorpusTooSmallToSplitIsRefused) {
  const TemporaryFolder folder;
  write_file(folder / "only.txt", "one document");
  EXPECT_THAT(error_of(ExitCode::kBadInput,
                       [&] { DocumentPool(options_for({folder.path().string()}), nullptr); }),
              HasSubstr("too small to split: of 1 documents none fell into"));
  auto options = options_for({folder.path().string()});
  options.valid_share = options.test_share = 0;
  EXPECT_EQ(DocumentPool(options, nullptr).documents(Split::kTrain).size(), 1u);
}

TEST(Documents, SourcesWithoutTextAreRefused) {
  const TemporaryFolder folder;
  write_file(folder / "a.txt", "");
  write_file(folder / "b.txt", "");
  EXPECT_THAT(error_of(ExitCode::kBadInput,
                       [&] { DocumentPool(options_for({folder.path().string()}), nullptr); }),
              HasSubstr("holds no text"));
}

TEST(Documents, SharesMustLeaveSomethingToTrainOn) {
  auto options = options_for({"x"});
  options.valid_share = 0.5;
  options.test_share = 0.5;
  EXPECT_THAT(error_of(ExitCode::kUsage, [&] { DocumentPool pool(options, nullptr); }),
              HasSubstr("leave some"));
  EXPECT_THAT(error_of(ExitCode::kUsage, [&] { DocumentPool pool(options_for({}), nullptr); }),
              HasSubstr("--data.source is missing"));
}

TEST(Documents, AFileThatChangesMeanwhileIsNoticed) {
  const TemporaryFolder folder;
  write_samples(folder.path(), 40);
  const DocumentPool pool(options_for({folder.path().string()}), nullptr);
  const auto& document = pool.documents(Split::kTrain)[0];
  write_file(pool.origin(document), "something else");
  EXPECT_THAT(error_of(ExitCode::kBadInput, [&] { pool.text(document); }),
              HasSubstr("changed while"));
}

}  // namespace
}  // namespace reprise
