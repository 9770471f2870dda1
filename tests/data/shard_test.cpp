#include "data/shard.h"

#include <gmock/gmock.h>

#include "tests/data/samples.h"
#include "tests/support/temporary_folder.h"

namespace reprise {
namespace {
using testing::ElementsAre;
using testing::HasSubstr;

std::string hex_of(const std::string& bytes) {
  return to_hex({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
}

TEST(Shard, GoldenBytes) {
  const TemporaryFolder folder;
  ShardWriter writer(folder.path(), "train", 100);
  EXPECT_EQ(writer.add(std::vector<Token>{258, 65535}), 0);
  EXPECT_EQ(writer.add(std::vector<Token>{7}), 3);
  writer.finish();
  const std::string bytes = read_file(folder / "train_000000.bin");
  ASSERT_EQ(bytes.size(), 1024u + 2 * 5);
  EXPECT_EQ(hex_of(bytes.substr(0, 12)),
            "88d83401"
            "01000000"
            "05000000");
  EXPECT_EQ(bytes.substr(12, 1012), std::string(1012, '\0'));
  EXPECT_EQ(hex_of(bytes.substr(1024)),
            "0100"
            "0201"
            "ffff"
            "0100"
            "0700");
}

TEST(Shard, DocumentsAreNotTornApart) {
  const TemporaryFolder folder;
  ShardWriter writer(folder.path(), "valid", 5);
  writer.add(std::vector<Token>{10, 11});
  writer.add(std::vector<Token>{12, 13});               // 3 + 3 would be 6: a new shard
  writer.add(std::vector<Token>{14});                   // 3 + 2 is 5: fits
  EXPECT_EQ(writer.add(std::vector<Token>(9, 15)), 8);  // longer than a shard: its own
  writer.finish();
  EXPECT_EQ(writer.digests().size(), 3u);
  EXPECT_EQ(writer.tokens(), 18);
  EXPECT_THAT(Shard(folder / "valid_000000.bin").tokens(), ElementsAre(1, 10, 11));
  EXPECT_THAT(Shard(folder / "valid_000001.bin").tokens(), ElementsAre(1, 12, 13, 1, 14));
  EXPECT_EQ(Shard(folder / "valid_000002.bin").tokens().size(), 10u);
}

TEST(Shard, WrongFilesAreRefused) {
  const TemporaryFolder folder;
  ShardWriter writer(folder.path(), "s", 100);
  writer.add(std::vector<Token>{5, 6});
  writer.finish();
  const std::string good = read_file(folder / "s_000000.bin");
  const auto message = [&](const std::string& bytes) {
    write_file(folder / "x.bin", bytes);
    return error_of(ExitCode::kBadInput, [&] { Shard shard(folder / "x.bin"); });
  };
  EXPECT_THAT(message(""), HasSubstr("x.bin: the file is empty"));
  EXPECT_THAT(message(good.substr(0, 1023)), HasSubstr("1023 bytes, shorter than"));
  EXPECT_THAT(message(good.substr(0, good.size() - 1)), HasSubstr("truncated?"));
  EXPECT_THAT(message(good + "xx"), HasSubstr("the header says 3 tokens"));
  for (const size_t byte : {0u, 4u}) {
    std::string wrong = good;
    wrong[byte] ^= 1;
    EXPECT_THAT(message(wrong), HasSubstr("a token shard has 20240520, version 1"));
  }
  std::string negative = good;
  negative[11] = '\x80';
  EXPECT_THAT(message(negative), HasSubstr("truncated?"));
}

TEST(Shard, NumbersNeedNoWidth) {
  EXPECT_EQ(shard_name("test", 12), "test_000012.bin");
  EXPECT_EQ(shard_name("test", 1234567), "test_1234567.bin");
}

}  // namespace
}  // namespace reprise
