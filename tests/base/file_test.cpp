#include "base/file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>

#include "base/error.h"

namespace reprise {
namespace {
namespace fs = std::filesystem;

class FileTest : public testing::Test {
 protected:
  FileTest() {
    std::string name = (fs::temp_directory_path() / "reprise-file-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~FileTest() override { fs::remove_all(folder_); }
  int64_t files() const {
    return std::distance(fs::directory_iterator(folder_), fs::directory_iterator());
  }
  fs::path folder_;
};

/// The line with which require_place_for() refuses; "" where it does not.
std::string refusal(const fs::path& place, OutputKind kind,
                    const std::vector<fs::path>& inputs = {}) {
  try {
    require_place_for(place, "--out", kind, inputs);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    return error.what();
  }
  return "";
}

TEST_F(FileTest, WritesWholeFilesAndReplacesThem) {
  write_file(folder_ / "a", "first");
  write_file(folder_ / "a", std::string_view("se\0cond", 7));
  EXPECT_EQ(read_file(folder_ / "a"), std::string("se\0cond", 7));
  EXPECT_EQ(files(), 1);
}

TEST_F(FileTest, AFailedWriterLeavesTheOldFile) {
  write_file(folder_ / "a", "old");
  const auto half = [](const fs::path& temporary) {
    std::ofstream(temporary) << "ne";
    fail(ExitCode::kFailure, "the writer gave up");
  };
  EXPECT_THROW(replace_file(folder_ / "a", half), Error);
  EXPECT_EQ(read_file(folder_ / "a"), "old");
  EXPECT_EQ(files(), 1);
}

TEST_F(FileTest, AFullDiskLeavesTheOldFileAndSaysSo) {
  write_file(folder_ / "a", "old");
  // A limit on file size stands in for a full disk: write() fails half way in the same manner.
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{1000, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  std::string message;
  try {
    write_file(folder_ / "a", std::string(5000, 'x'));
  } catch (const Error& error) {
    message = error.what();
    EXPECT_EQ(error.code(), ExitCode::kFailure);
  }
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(message, concat("cannot write ", (folder_ / "a").string(), ": File too large"));
  EXPECT_EQ(read_file(folder_ / "a"), "old");
  EXPECT_EQ(files(), 1);
}

TEST_F(FileTest, ReadsTextAndRefusesWhatIsNone) {
  write_file(folder_ / "text", "caf\xc3\xa9");
  EXPECT_EQ(read_text(folder_ / "text"), "caf\xc3\xa9");
  write_file(folder_ / "latin", "caf\xe9");
  try {
    read_text(folder_ / "latin");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kBadInput);
    EXPECT_EQ(error.what(), concat((folder_ / "latin").string(), ": not UTF-8 at byte 3"));
  }
}

TEST_F(FileTest, TellsBeforehandWhetherThereIsAPlaceForAFile) {
  write_file(folder_ / "file", "-");
  for (const char* free : {"a", "a/b/c", "file"})
    EXPECT_EQ(refusal(folder_ / free, OutputKind::kFile), "");
  EXPECT_EQ(refusal("relative", OutputKind::kFile), "");
  EXPECT_EQ(refusal(folder_ / "file/b/c", OutputKind::kFile),
            concat("--out ", (folder_ / "file/b/c").string(), ": ", (folder_ / "file").string(),
                   " is no folder; name another place"));
  EXPECT_NE(refusal(folder_ / "a/", OutputKind::kFile), "") << "no name";
  EXPECT_NE(refusal(folder_, OutputKind::kFile), "") << "a folder";
  EXPECT_EQ(refusal(folder_ / "a/", OutputKind::kFolder), "");
  EXPECT_EQ(refusal(folder_, OutputKind::kFolder), "");
  EXPECT_NE(refusal(folder_ / "file", OutputKind::kFolder), "");
}

TEST_F(FileTest, NeitherADeviceNorALinkToOneIsAPlaceForAFile) {
  fs::create_symlink("/dev/null", folder_ / "null");
  fs::create_symlink("loop", folder_ / "loop");
  for (const fs::path& place : {fs::path("/dev/null"), folder_ / "null", folder_ / "loop"})
    for (const OutputKind kind : {OutputKind::kFile, OutputKind::kFolder})
      EXPECT_NE(refusal(place, kind), "") << place;
}

TEST_F(FileTest, AnInputIsNoPlaceForAnOutputUnderWhateverName) {
  write_file(folder_ / "in", "-");
  make_folder(folder_ / "corpus");
  fs::create_symlink("in", folder_ / "link");
  const std::vector<fs::path> inputs{folder_ / "in", folder_ / "corpus"};
  for (const char* read : {"in", "./in", "link", "corpus/../in", "corpus/a"})
    EXPECT_NE(refusal(folder_ / read, OutputKind::kFile, inputs), "") << read;
  EXPECT_NE(refusal(folder_ / "corpus", OutputKind::kFolder, inputs), "");
  for (const char* apart : {"into", "out", "corpus2"})
    EXPECT_EQ(refusal(folder_ / apart, OutputKind::kFile, inputs), "") << apart;
}

TEST_F(FileTest, WritesWhereALinkLeads) {
  write_file(folder_ / "target", "old");
  fs::create_symlink("target", folder_ / "link");
  fs::create_symlink("link", folder_ / "link of a link");
  fs::create_symlink("to come", folder_ / "ahead");
  write_file(folder_ / "link of a link", "new");
  write_file(folder_ / "ahead", "there");
  EXPECT_TRUE(fs::is_symlink(folder_ / "link of a link"));
  EXPECT_EQ(read_file(folder_ / "target"), "new");
  EXPECT_TRUE(fs::is_symlink(folder_ / "ahead"));
  EXPECT_EQ(read_file(folder_ / "to come"), "there");
}

TEST_F(FileTest, AppendsLines) {
  append_line(folder_ / "ledger", "one");
  append_line(folder_ / "ledger", "two");
  EXPECT_EQ(read_file(folder_ / "ledger"), "one\ntwo\n");
}

TEST_F(FileTest, MapsAFileAndRefusesAnEmptyOne) {
  write_file(folder_ / "a", "xyz");
  write_file(folder_ / "empty", "");
  const MappedFile mapped(folder_ / "a");
  EXPECT_EQ(std::string(mapped.bytes().begin(), mapped.bytes().end()), "xyz");
  EXPECT_THROW(MappedFile(folder_ / "empty"), Error);
  EXPECT_THROW(MappedFile(folder_ / "none"), Error);
  EXPECT_THROW(read_file(folder_), Error);
}

}  // namespace
}  // namespace reprise
