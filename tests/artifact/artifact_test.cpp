#include "models/artifact/artifact.h"

#include <gmock/gmock.h>
#include <sys/resource.h>

#include <csignal>

#include "base/digest.h"
#include "base/error.h"
#include "base/file.h"
#include "models/artifact/header.h"
#include "models/artifact/ledger.h"
#include "tests/artifact/test_models.h"
#include "tests/support/temporary_folder.h"

namespace reprise {
namespace {

TEST(Artifact, SaveLoadSaveGivesTheSameBytes) {
  const TemporaryFolder folder;
  const std::string file = small_file();
  write_artifact(folder / "a", parse_artifact(file, "packed"));
  EXPECT_EQ(read_file(folder / "a"), file);
  const Artifact loaded = load_artifact(folder / "a");
  write_artifact(folder / "b", loaded);
  EXPECT_EQ(read_file(folder / "b"), file);
  EXPECT_EQ(loaded.digest, sections_digest(loaded.sections));
}

TEST(Artifact, HoldsTheModelItWasPackedFrom) {
  const UnpackedModel model = random_model(32, 1, 9);
  const Artifact artifact = parse_artifact(small_file(), "packed");
  EXPECT_EQ(artifact.model, model.model);
  EXPECT_EQ(artifact.tokenizer, model.tokenizer);
  ASSERT_EQ(artifact.tensors.size(), model.tensors.size());
  for (size_t i = 0; i < model.tensors.size(); ++i) {
    EXPECT_EQ(artifact.tensors[i].name, model.tensors[i].name);
    EXPECT_EQ(artifact.tensors[i].shape, model.tensors[i].shape);
    const Distortion distortion =
        measure_distortion(model.tensors[i].values, artifact.tensors[i].values);
    EXPECT_LT(distortion.relative_rms, 0.05) << model.tensors[i].name;
  }
}

TEST(Artifact, SettingTheGateMovesNoByte) {
  const std::string file = small_file();
  Artifact artifact = parse_artifact(file, "packed");
  EXPECT_EQ(artifact.gate.calibrated_on, "");
  for (const double threshold : {0.1, 2.0, 1.0 / 3.0, -7e-30, 1e9}) {
    artifact.gate = {"entropy", threshold, 0.1, std::string(64, 'c')};
    const std::string again = serialise(artifact);
    EXPECT_EQ(again.size(), file.size());
    const Artifact back = parse_artifact(again, "again");
    EXPECT_EQ(back.gate.threshold, threshold);
    EXPECT_EQ(back.gate.fraction, 0.1);
    EXPECT_EQ(back.gate.calibrated_on, artifact.gate.calibrated_on);
    EXPECT_EQ(back.digest, artifact.digest);
  }
  artifact.gate.threshold = std::numeric_limits<double>::infinity();
  EXPECT_THROW(serialise(artifact), Error);
  artifact.gate = {"entropy", 1, 0.1, "short"};
  EXPECT_THROW(serialise(artifact), Error);
}

TEST(Artifact, AHeaderSaysWhatAHeadReadsAndOnlyThen) {
  UnpackedModel model = random_model(32, 1, 9);
  model.head_reads = "both";
  model.tensors.push_back({"gate.output.weight", {64, 20}, std::vector<float>(64 * 20, 0.3f)});
  PackOptions options = uncalibrated();
  options.quantiser.small = Small::kFloat8;
  const Artifact artifact = parse_artifact(pack(model, options).file, "headed");
  EXPECT_EQ(artifact.gate.signal, "head");
  EXPECT_EQ(artifact.gate.head_reads, "both");
  EXPECT_EQ(artifact.directory.back().form.scheme, Scheme::kHalf);  // however large, and not float8
  Artifact other = artifact;
  other.gate.head_reads = "";
  EXPECT_THROW(parse_artifact(serialise(other), "silent"), Error);
  other.gate = {"entropy", 1, 0.1, std::string(64, 'c')};
  other.gate.head_reads = "both";
  EXPECT_THROW(parse_artifact(serialise(other), "talkative"), Error);
}

TEST(FixedWidth, IsExactAndTwentyThreeCharactersLong) {
  EXPECT_EQ(fixed_width(0), "+0.0000000000000000e+00");
  EXPECT_EQ(fixed_width(-0.1), "-1.0000000000000001e-01");
  for (const double value : {0.0, 1.0 / 3.0, -2.5e-98, 9.9e98, 5.0})
    EXPECT_EQ(parse_fixed_width(fixed_width(value)), value);
  for (const char* text :
       {"", "1", "+1.0", "+nan", "+1.00000000000000000e+0", "++1.000000000000000e+00"})
    EXPECT_THROW(parse_fixed_width(text), Error) << text;
  EXPECT_THROW(fixed_width(1e100), Error);
}

TEST(Ledger, SumsToTheFileByTensorAndCause) {
  const UnpackedModel model = random_model(32, 1, 9);
  const std::string file = small_file();
  const Artifact artifact = parse_artifact(file, "packed");
  const Ledger ledger(artifact, 700);
  EXPECT_EQ(ledger.counted_bytes(), static_cast<int64_t>(file.size()) + 700);
  int64_t of_tensors = 0, codes = 0;
  for (const LedgerEntry& entry : ledger.entries()) {
    EXPECT_GT(entry.bytes, 0);
    if (!entry.tensor.empty()) of_tensors += entry.bytes;
    if (entry.cause == Cause::kCodes) codes += entry.bytes;
  }
  const nlohmann::json json = ledger.to_json();
  EXPECT_EQ(json.at("causes").at("codes"), codes);
  EXPECT_EQ(json.at("causes").at("decoder"), 700);
  EXPECT_EQ(json.at("counted_bytes"), ledger.counted_bytes());
  const std::string table = ledger.to_table();
  for (const HostTensor& tensor : model.tensors)
    EXPECT_THAT(table, testing::HasSubstr(tensor.name));
  EXPECT_THAT(table, testing::ContainsRegex(concat("weights .* ", of_tensors)));
  EXPECT_THAT(table, testing::ContainsRegex(concat("counted .* ", ledger.counted_bytes())));
}

TEST(Artifact, AFullDiskLeavesNoFile) {
  const TemporaryFolder folder;
  const Artifact artifact = parse_artifact(small_file(), "packed");
  // A limit on file size stands in for a full disk: write() fails half way in the same manner.
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{1'000, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_THROW(write_artifact(folder / "a", artifact), Error);
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace reprise
