// When the text of a study counts as changed, and when it has to be read to know.
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/file.h"
#include "launch/study/sources.h"
#include "tests/support/temporary_folder.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class StudySources : public testing::Test {
 protected:
  StudySources() {
    make_folder(folder_ / "text");
    write_file(file_, "one text");
    write_file(folder_ / "text/b.txt", "");
  }

  SourceDigest digest(const json& known = nullptr, const std::string& tokenizer = "") const {
    const std::vector<std::string> paths{(folder_ / "text").string()};
    return digest_of_sources(paths, tokenizer, known);
  }

  TemporaryFolder folder_;
  fs::path file_ = folder_ / "text/a.txt";
};

TEST_F(StudySources, ReadAsTheSameWhereTheyWereTouchedOrCopiedBack) {
  const SourceDigest before = digest();
  fs::last_write_time(file_, fs::file_time_type::clock::now() + std::chrono::hours(1));
  EXPECT_EQ(digest(before.files).digest, before.digest);
  write_file(file_, "one text");
  EXPECT_EQ(digest(before.files).digest, before.digest);
}

TEST_F(StudySources, ReadAsOthersEvenWhereLengthAndTimeWereKept) {
  const SourceDigest before = digest();
  const auto time = fs::last_write_time(file_);
  write_file(file_, "two text");
  fs::last_write_time(file_, time);
  EXPECT_NE(digest(before.files).digest, before.digest);
}

TEST_F(StudySources, AreTheSameInAnotherPlaceAndBySpelling) {
  const std::string before = digest().digest;
  const auto of = [](const std::string& path) {
    return digest_of_sources(std::vector<std::string>{path}, "", nullptr).digest;
  };
  const std::string place = folder_.path().string();
  fs::create_directories(folder_ / "copies");
  fs::copy(folder_ / "text", folder_ / "copies/text");
  for (const std::string& spelling :
       {place + "/text/", place + "/./text", "text:" + place + "/text", place + "/copies/text",
        fs::relative(folder_ / "text").string()})
    EXPECT_EQ(of(spelling), before) << spelling;
  EXPECT_EQ(of(place + "/text/a.txt"), of(place + "/copies/text/a.txt"));
  EXPECT_NE(of(place + "/text/a.txt"), before);
}

TEST_F(StudySources, AreOthersUnderAnotherNameOrDomain) {
  const SourceDigest before = digest();
  const std::vector<std::string> named{concat("domain:", (folder_ / "text").string())};
  EXPECT_NE(digest_of_sources(named, "", nullptr).digest, before.digest);
  fs::rename(file_, folder_ / "text/c.txt");
  EXPECT_NE(digest(before.files).digest, before.digest);
}

TEST_F(StudySources, AreOthersWithAnotherTokenizerInTheSameFile) {
  const std::string tokenizer = (folder_ / "tokenizer.model").string();
  write_file(tokenizer, "one tokenizer");
  const SourceDigest before = digest(nullptr, tokenizer);
  EXPECT_NE(before.digest, digest().digest);
  EXPECT_EQ(digest(before.files, tokenizer).digest, before.digest);
  write_file(tokenizer, "two tokenizer");
  EXPECT_NE(digest(before.files, tokenizer).digest, before.digest);
}

TEST_F(StudySources, AreNotReadAgainWhereTheyAreKnown) {
  SourceDigest before = digest();
  before.files[file_.string()]["sha256"] = "of what was read before";
  EXPECT_NE(digest(before.files).digest, before.digest) << "the file was read";
  before.files[file_.string()]["sha256"] = 5;
  EXPECT_EQ(digest(before.files).digest, digest().digest) << "a digest of another type is none";
  before.files[file_.string()]["sha256"] = "of what was read before";
  before.files[file_.string()]["bytes"] = 7;
  EXPECT_EQ(digest(before.files).digest, before.digest) << "of a file of another length";
}

TEST_F(StudySources, AreRememberedInTheStudysFolder) {
  const json files = digest().files;
  EXPECT_EQ(read_known_files(folder_ / "out"), json(nullptr));
  write_known_files(folder_ / "out", files);
  EXPECT_EQ(read_known_files(folder_ / "out"), files);
  write_file(folder_ / "out/sources.json", "{\"cut");
  EXPECT_EQ(read_known_files(folder_ / "out"), json(nullptr));
}

TEST_F(StudySources, ThatAreNotThereAreRefused) {
  fs::remove_all(folder_ / "text");
  EXPECT_THROW(digest(), Error);
}

}  // namespace
}  // namespace reprise
