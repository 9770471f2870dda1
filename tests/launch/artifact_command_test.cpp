// reprise artifact show: what it prints of a file, alone and with the packer's summary beside it.
#include <gmock/gmock.h>

#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/digest.h"
#include "base/file.h"
#include "launch/command.h"
#include "tests/artifact/test_models.h"
#include "tests/support/temporary_folder.h"

namespace reprise {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

class ArtifactShow : public testing::Test {
 protected:
  void SetUp() override {
    PackOptions options = uncalibrated();
    options.bytes = 6'000;
    packed_ = pack(random_model(32, 1, 9), options);
    write_file(file(), packed_.file);
  }
  std::string file() const { return (folder_ / "a.reprise").string(); }

  /// What the packer leaves beside it, as far as it is read.
  void write_summary(const std::string& sha256) {
    const json summary{
        {"artifact", {{"sha256", sha256}, {"counted_bytes", packed_.file.size() + 70}}},
        {"packing", to_json(packed_)}};
    write_file(file() + ".pack.json", summary.dump());
  }

  static std::string printed(std::vector<std::string> words) {
    std::ostringstream text;
    std::streambuf* before = std::cout.rdbuf(text.rdbuf());
    const auto self = make_self_communicator();
    const ExitCode code = run_artifact(words, *self);
    std::cout.rdbuf(before);
    EXPECT_EQ(code, ExitCode::kOk);
    return std::move(text).str();
  }
  static std::string refusal(ExitCode code, const std::vector<std::string>& words) {
    const auto self = make_self_communicator();
    try {
      run_artifact(words, *self);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code);
      return error.what();
    }
    return "no error";
  }

  TemporaryFolder folder_;
  Packed packed_;
};

TEST_F(ArtifactShow, PrintsTheFileForPeopleAndForScripts) {
  const std::string sha256_hex = to_hex(sha256(packed_.file));
  const std::string text = printed({"show", "--artifact.file", file()});
  EXPECT_THAT(text, HasSubstr(concat(packed_.file.size(), " bytes")));
  EXPECT_THAT(text, HasSubstr(sha256_hex));
  EXPECT_THAT(text, HasSubstr("there is none of this file"));
  const json record =
      json::parse(printed({"show", "--artifact.file", file(), "--artifact.json", "true"}));
  EXPECT_EQ(record["file"]["sha256"], sha256_hex);
  EXPECT_EQ(record["file"]["bytes"], packed_.file.size());
  EXPECT_EQ(record["ledger"]["counted_bytes"], packed_.file.size());
  EXPECT_EQ(record["tensors"].size(), packed_.tensors.size());
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path()), {}), 1)
      << "it only reads";
}

TEST_F(ArtifactShow, TakesNominalBitsAndAllowanceFromTheSummaryOfThisFileAlone) {
  const auto record = [&] {
    return json::parse(printed({"show", "--artifact.file", file(), "--artifact.json", "true"}));
  };
  write_summary(to_hex(sha256(packed_.file)));
  EXPECT_EQ(record()["tensors"][0]["nominal_bits"], packed_.tensors[0].nominal_bits);
  EXPECT_EQ(record()["ledger"]["causes"]["decoder"], 70);
  EXPECT_THAT(printed({"show", "--artifact.file", file()}), Not(HasSubstr("there is none")));
  write_summary(to_hex(sha256("another file")));
  EXPECT_TRUE(record()["tensors"][0]["nominal_bits"].is_null());
  EXPECT_FALSE(record()["ledger"]["causes"].contains("decoder"));
  write_file(file() + ".pack.json", "no JSON");
  EXPECT_TRUE(record()["tensors"][0]["nominal_bits"].is_null());
}

TEST_F(ArtifactShow, RefusesWhatIsNoArtifactAndWordsItDoesNotKnow) {
  EXPECT_THAT(refusal(ExitCode::kUsage, {}), HasSubstr("say what: show"));
  EXPECT_THAT(refusal(ExitCode::kUsage, {"shwo"}), HasSubstr("did you mean 'show'?"));
  EXPECT_THAT(refusal(ExitCode::kUsage, {"show"}), HasSubstr("--artifact.file"));
  EXPECT_THAT(refusal(ExitCode::kBadInput, {"show", "--artifact.file", "nowhere"}),
              HasSubstr("nowhere"));
  write_file(folder_ / "cut", packed_.file.substr(0, 3'000));
  EXPECT_THAT(refusal(ExitCode::kBadInput, {"show", "--artifact.file", (folder_ / "cut").string()}),
              HasSubstr("cut: "));
  write_file(file() + ".pack.json",
             json{{"artifact", {{"sha256", to_hex(sha256(packed_.file))}}}}.dump());
  EXPECT_THAT(refusal(ExitCode::kBadInput, {"show", "--artifact.file", file()}),
              HasSubstr(".pack.json: not the summary of an artifact"));
}

}  // namespace
}  // namespace reprise
