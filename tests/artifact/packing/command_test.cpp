// reprise pack from end to end: a corpus of samples, a model with fresh weights, the artifact.
#include <gmock/gmock.h>

#include <limits>
#include <map>
#include <set>

#include "base/file.h"
#include "eval/calibrate.h"
#include "models/artifact/artifact.h"
#include "models/artifact/coders/coder.h"
#include "models/artifact/packing/options.h"
#include "tests/artifact/packing/pack_fixture.h"

namespace reprise {
namespace {
using nlohmann::json;
namespace fs = std::filesystem;

TEST_F(PackCommand, SetsAGateForAStaticModelWhereItsCoreIsToBeReapplied) {
  EXPECT_EQ(load_artifact(pack(test_comm(), "static", "once")).gate.calibrated_on, "");
  const Artifact artifact =
      load_artifact(pack(test_comm(), "static", "again", {"--pack.reapply", "true"}));
  EXPECT_EQ(artifact.gate.calibrated_on, Corpus(root_ / "corpus").digest(Split::kValid));
  EXPECT_NEAR(artifact.gate.fraction, 0.1, 0.01);
  try {
    pack(test_comm(), "recurrent", "refused", {"--pack.reapply", "true"});
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    EXPECT_THAT(error.what(), testing::HasSubstr("pack.reapply is for families whose layers run "
                                                 "once"));
  }
}

TEST_F(PackCommand, WritesTheArtifactItsLedgerAndItsSummary) {
  const fs::path path = pack(test_comm(), "recurrent", "a", {"--pack.refine-share", "0.25"});
  const Corpus corpus(root_ / "corpus");
  const Artifact artifact = load_artifact(path);
  EXPECT_GE(fs::file_size(path), 40'000 - 40);
  EXPECT_LE(fs::file_size(path), 40'000);
  EXPECT_EQ(artifact.model.at("width"), 32);
  EXPECT_EQ(artifact.tokenizer, corpus.tokenizer().digest());
  EXPECT_EQ(artifact.gate.calibrated_on, corpus.digest(Split::kValid));
  EXPECT_NEAR(artifact.gate.fraction, 0.25, 0.01);
  EXPECT_GT(artifact.gate.threshold, 0);
  const json ledger = json::parse(read_file(path.string() + ".ledger.json"));
  int64_t sum = 0;
  for (const json& entry : ledger.at("entries")) sum += entry.at("bytes").get<int64_t>();
  EXPECT_EQ(sum, static_cast<int64_t>(fs::file_size(path)));
  const json summary = json::parse(read_file(path.string() + ".pack.json"));
  EXPECT_EQ(summary.at("artifact").at("sha256"), to_hex(sha256_file(path)));
  EXPECT_EQ(summary.at("config").at("pack").at("refine-share"), 0.25);
  EXPECT_EQ(summary.at("packing").at("chosen").at("bytes"), fs::file_size(path));
  EXPECT_EQ(summary.at("packing").at("tensors").size(), artifact.tensors.size());
  const bool prints = test_comm().rank() == 0;
  EXPECT_EQ(printed_.find("embedding") != std::string::npos, prints);
}

TEST_F(PackCommand, SetsTheGateOnTextCutAsItWillBeScored) {
  const double whole = load_artifact(pack(test_comm(), "recurrent", "whole")).gate.threshold;
  const Artifact artifact = load_artifact(
      pack(test_comm(), "recurrent", "short", {"--eval.window", "8", "--eval.stride", "8"}));
  CalibrationOptions calibration;
  calibration.share = PackOptions().refine_share;
  calibration.scoring.window = calibration.scoring.stride = 8;
  const Corpus corpus(root_ / "corpus");
  const GateRule expected = calibrate_gate(artifact, corpus, calibration, test_comm());
  EXPECT_EQ(artifact.gate.threshold, expected.threshold);
  EXPECT_NE(artifact.gate.threshold, whole);
}

TEST_F(PackCommand, GivesTheSameBytesOnOneRankAndOnAll) {
  const auto measured_in = [&](const std::string& name) {  // so that all measure it anew
    return std::vector<std::string>{"--pack.calibration", (root_ / name).string()};
  };
  const fs::path on_all = pack(test_comm(), "recurrent", "all", measured_in("use.all"));
  if (test_comm().rank() == 0) {
    const auto self = make_self_communicator();
    EXPECT_EQ(read_file(pack(*self, "recurrent", "one", measured_in("use.one"))),
              read_file(on_all));
    EXPECT_EQ(read_file(root_ / "use.one"), read_file(root_ / "use.all"));
  }
}

/// All but the threshold, to whose last bits the passes' threads belong.
TEST_F(PackCommand, GivesTheSameWeightsOnAnyNumberOfThreads) {
  if (test_comm().rank() != 0) return;
  const auto self = make_self_communicator();
  const auto digest = [&](const std::string& allocation, const std::string& threads) {
    return load_artifact(pack(*self, "recurrent", allocation + threads,
                              {"--pack.threads", threads, "--pack.allocation", allocation,
                               "--pack.calibration", (root_ / ("use." + threads)).string()}))
        .digest;
  };
  for (const char* allocation : {"rate-distortion", "hand"})
    EXPECT_EQ(digest(allocation, "1"), digest(allocation, "2")) << allocation;
}

TEST_F(PackCommand, SaysWhatTheRulesByHandLoseAndTakesTheLeast) {
  const fs::path path =
      pack(test_comm(), "recurrent", "hand",
           {"--pack.allocation", "hand", "--pack.rounding", "nearest", "--pack.refine-share", "0"});
  const json packing = json::parse(read_file(path.string() + ".pack.json")).at("packing");
  EXPECT_FALSE(packing.contains("calibration")) << "rounding to nearest by a rule wants none";
  std::map<std::string, double> judged;
  for (const json& candidate : packing.at("candidates"))
    if (candidate.contains("judged_nats"))
      judged[candidate.at("rule")] = candidate.at("judged_nats");
  EXPECT_GE(judged.size(), 3u);
  for (const auto& [rule, nats] : judged) {
    EXPECT_GT(nats, 0) << rule;
    EXPECT_GE(nats, packing.at("chosen").at("judged_nats")) << rule;
  }
  EXPECT_EQ(judged.at(packing.at("chosen").at("rule")), packing.at("chosen").at("judged_nats"));
}

/// Also where no gate is set: figures of a damaged text would be taken for the model's.
TEST_F(PackCommand, RefusesADamagedSplitThatItWouldCompareOrJudgeBy) {
  if (test_comm().rank() != 0) return;
  const auto self = make_self_communicator();
  const auto damage = [&](const std::string& shard) {
    std::string bytes = read_file(root_ / "corpus" / shard);
    bytes[bytes.size() - 4] ^= 1;
    write_file(root_ / "corpus" / shard, bytes);
  };
  const std::vector<std::string> plain{"--pack.allocation", "uniform", "--pack.rounding",
                                       "nearest"};
  damage("valid_000000.bin");
  EXPECT_THAT(error_of(ExitCode::kBadInput, [&] { pack(*self, "static", "never", plain); }),
              testing::HasSubstr("valid_000000.bin"));
  damage("valid_000000.bin");
  damage("train_000000.bin");
  pack(*self, "static", "sound", plain);  // reads no train text
  EXPECT_THAT(error_of(ExitCode::kBadInput,
                       [&] {
                         pack(*self, "static", "never",
                              {"--pack.allocation", "hand", "--pack.rounding", "nearest"});
                       }),
              testing::HasSubstr("train_000000.bin"));
}

TEST_F(PackCommand, KeepsTheMeasuredUseBesideTheModelByTextAndShare) {
  const auto kept = [&] {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(root_))
      if (entry.path().filename().string().starts_with("recurrent.calibration-"))
        names.insert(entry.path().filename());
    return names;
  };
  pack(test_comm(), "recurrent", "gated");
  const auto one = kept();
  EXPECT_EQ(one.size(), 1u);
  pack(test_comm(), "recurrent", "again", {"--pack.rounding", "nearest"});
  EXPECT_EQ(kept(), one);
  pack(test_comm(), "recurrent", "ungated", {"--pack.refine-share", "0"});
  EXPECT_EQ(kept().size(), 2u);
}

TEST_F(PackCommand, RefusesAPlaceForTheCalibrationThatIsAnothersBeforeItMeasures) {
  const auto refusal = [&](const std::string& place) {
    return error_of(ExitCode::kUsage, [&] {
      pack(test_comm(), "recurrent", "out", {"--pack.calibration", (root_ / place).string()});
    });
  };
  for (const char* output : {"out", "out.pack.json", "out.ledger.json"})
    EXPECT_THAT(refusal(output), testing::HasSubstr("it is also written by --pack.out"));
  EXPECT_THAT(refusal("recurrent/model.safetensors"), testing::HasSubstr("which is read"));
  EXPECT_THAT(refusal("corpus"), testing::HasSubstr("is a folder"));
  test_comm().barrier();
  EXPECT_FALSE(fs::exists(root_ / "out"));
}

TEST_F(PackCommand, AStaticModelAndAShareOfNothingHaveNoGate) {
  for (const fs::path& path :
       {pack(test_comm(), "static", "static.out"),
        pack(test_comm(), "recurrent", "recurrent.out", {"--pack.refine-share", "0"})}) {
    const GateRule gate = load_artifact(path).gate;
    EXPECT_EQ(gate.fraction, 0);
    EXPECT_EQ(gate.calibrated_on, "");
  }
}

TEST_F(PackCommand, CountsAFileOfCodeAsTheBestCoderLeavesIt) {
  if (test_comm().rank() == 0) {
    write_file(root_ / "decoder.py", "def decode(bytes):\n" + std::string(30'000, '#'));
  }
  test_comm().barrier();
  const std::string code = (root_ / "decoder.py").string();
  const fs::path path = pack(test_comm(), "recurrent", "coded", {"--pack.code", code});
  const json summary = json::parse(read_file(path.string() + ".pack.json"));
  const json ledger = json::parse(read_file(path.string() + ".ledger.json"));
  const json& counted = summary.at("code");
  EXPECT_EQ(counted.at("file"), code);
  EXPECT_EQ(counted.at("bytes"), fs::file_size(code));
  EXPECT_EQ(counted.at("sha256"), to_hex(sha256_file(code)));
  const auto compressed = counted.at("compressed_bytes").get<int64_t>();
  EXPECT_LT(compressed, 200) << "thirty thousand of one letter";
  for (const auto& [coder, name] : EnumNames<Coder>::names)
    EXPECT_LE(compressed, static_cast<int64_t>(encode(coder, read_file(code)).size())) << name;
  EXPECT_EQ(ledger.at("causes").at("decoder"), compressed);
  EXPECT_EQ(summary.at("config").at("pack").at("code"), code);
  EXPECT_EQ(summary.at("config").at("pack").at("code-bytes"), 0);
  const auto all = static_cast<int64_t>(fs::file_size(path)) + compressed;
  EXPECT_EQ(ledger.at("counted_bytes"), all);
  EXPECT_LE(all, 40'000);
  EXPECT_GE(all, 40'000 - 40);
}

TEST_F(PackCommand, RefusesCodeThatIsNoneAndTwoAllowances) {
  if (test_comm().rank() == 0) {
    write_file(root_ / "empty.py", "");
    std::string noise;
    for (uint64_t i = 0; i < 41'000; ++i)
      noise += static_cast<char>(RandomStream(1, Purpose::kTest).bits(i));
    write_file(root_ / "long.py", noise);
  }
  test_comm().barrier();
  const auto refusal = [&](ExitCode code, const std::string& file, std::vector<std::string> more) {
    more.insert(more.end(), {"--pack.code", (root_ / file).string()});
    return error_of(code, [&] { pack(test_comm(), "recurrent", "never", more); });
  };
  EXPECT_THAT(refusal(ExitCode::kBadInput, "empty.py", {}), testing::HasSubstr("is empty"));
  EXPECT_THAT(refusal(ExitCode::kBadInput, "missing.py", {}), testing::HasSubstr("missing.py"));
  EXPECT_THAT(refusal(ExitCode::kBadInput, "source", {}), testing::HasSubstr("directory"));
  EXPECT_THAT(refusal(ExitCode::kUsage, "long.py", {}), testing::HasSubstr("leaves nothing"));
  EXPECT_THAT(refusal(ExitCode::kUsage, "empty.py", {"--pack.code-bytes", "9"}),
              testing::HasSubstr("give one"));
  test_comm().barrier();
  for (const auto& entry : fs::directory_iterator(root_))
    EXPECT_THAT(entry.path().filename().string(), testing::Not(testing::HasSubstr("never")));
}

TEST_F(PackCommand, RefusesAModelOfWeightsThatAreNoNumbersAndLeavesNothing) {
  if (test_comm().rank() != 0) return;
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    const Corpus corpus(root_ / "corpus");
    ModelOptions options{.vocab = corpus.tokenizer().vocab(), .width = 32, .context = 64};
    write_trained_model(root_ / "diverged", options, corpus.tokenizer().digest(), bad);
    const auto self = make_self_communicator();
    EXPECT_THAT(error_of(ExitCode::kBadInput, [&] { pack(*self, "diverged", "never"); }),
                testing::HasSubstr("not finite; "));
  }
  for (const auto& entry : fs::directory_iterator(root_))
    EXPECT_THAT(entry.path().filename().string(), testing::Not(testing::HasSubstr("never")));
}

TEST_F(PackCommand, RefusesAFolderWhereAFileShallBe) {
  if (test_comm().rank() != 0) return;
  const auto self = make_self_communicator();
  bytes_ = "1";  // unreachable: who looks for a size first says so
  for (const std::string taken : {"er", "er.ledger.json", "er.pack.json"}) {
    fs::create_directory(root_ / taken);
    EXPECT_THAT(error_of(ExitCode::kUsage, [&] { pack(*self, "recurrent", "er"); }),
                testing::HasSubstr(taken + " is a folder"));
    fs::remove(root_ / taken);
    for (const auto& entry : fs::directory_iterator(root_))
      EXPECT_THAT(entry.path().filename().string(), testing::Not(testing::HasSubstr("er.")));
  }
}

TEST_F(PackCommand, RefusesAnImpossibleTargetAndLeavesNothing) {
  if (test_comm().rank() != 0) return;
  const auto self = make_self_communicator();
  const auto refusal = [&](const std::string& bytes) {
    bytes_ = bytes;
    return error_of(ExitCode::kCapUnreachable, [&] { pack(*self, "recurrent", "never"); });
  };
  EXPECT_THAT(refusal("100"), testing::ContainsRegex("does not fit 100 bytes: .* too many; "));
  const std::string small = refusal("16000");
  const std::string large = refusal("3000000");
  EXPECT_THAT(small, testing::ContainsRegex("too many; a width of [0-9]+ would fit"));
  EXPECT_THAT(large, testing::ContainsRegex("too few; a width of [0-9]+ would fill it"));
  for (const auto& entry : fs::directory_iterator(root_))
    EXPECT_THAT(entry.path().filename().string(), testing::Not(testing::HasSubstr("never")));
}

}  // namespace
}  // namespace reprise
