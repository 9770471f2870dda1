// From an artifact to a record: the same on any number of ranks, and fitted on nothing of the test
// split.
#include "eval/alternatives/alternatives.h"

#include <gmock/gmock.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "base/digest.h"
#include "base/file.h"
#include "data/build.h"
#include "eval/alternatives/record.h"
#include "eval/calibrate.h"
#include "eval/evaluate.h"
#include "tests/eval/tiny_world.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_comm.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

/// The corpus of tiny_world.h, and one that lacks some of its test documents and nothing else.
void write_corpora(const fs::path& folder) {
  write_tiny_corpus(folder);
  const Corpus whole(folder / "corpus");
  const auto& test = whole.documents(Split::kTest);
  std::set<Sha256> dropped;
  for (size_t d = 0; d < test.size(); d += 2) dropped.insert(test[d].hash);
  for (const auto& entry : fs::recursive_directory_iterator(folder / "text"))
    if (entry.is_regular_file() && dropped.contains(sha256(read_file(entry.path()))))
      fs::remove(entry.path());
  DataOptions options;
  options.source = {(folder / "text" / "prose").string(), (folder / "text" / "code").string()};
  options.out = (folder / "fewer").string();
  options.vocab = 320;
  options.valid_share = 0.2;
  options.test_share = 0.3;
  build_corpus(options, json::object());
}

/// One corpus for all ranks and tests of this program.
class AlternativesTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    Communicator& comm = test_comm();
    if (comm.rank() == 0) {
      own_folder_ = std::make_unique<TemporaryFolder>();
      write_corpora(own_folder_->path());
    }
    folder_ = broadcast_text(comm, comm.rank() == 0 ? own_folder_->path().string() : "");
    corpus_ = std::make_unique<Corpus>(folder_ / "corpus");
  }
  static void TearDownTestSuite() {
    corpus_.reset();
    test_comm().barrier();
    own_folder_.reset();
  }

  static ScoredArtifact gated(Family family = Family::kRecurrent) {
    const auto self = make_self_communicator();
    const ScoredArtifact plain = tiny_artifact(*corpus_, family, {});
    return tiny_artifact(
        *corpus_, family,
        calibrate_gate(plain.artifact, *corpus_, {0.25, tiny_options(""), 1}, *self));
  }

  /// Of the same shape, with other weights.
  static ScoredArtifact another() {
    ScoredArtifact second = gated();
    for (HostTensor& tensor : second.artifact.tensors)
      for (float& value : tensor.values) value *= 0.9F;
    second.sha256 = std::string(64, 'b');
    second.size = Bytes{54'321};
    return second;
  }

  static AlternativesOptions quick() {
    AlternativesOptions options;
    options.artifact = "arm.reprise";
    options.corpus = "corpus";
    options.trajectories = {"2"};
    options.noise = {"0", "0.1"};
    options.passes = {"1", "2"};
    options.fit_tokens = 300;
    options.readout_steps = 5;
    options.draws = 100;
    return options;
  }

  static json weigh(const ScoredArtifact& artifact, const ScoredArtifact* second,
                    Communicator& comm, const AlternativesOptions& options = quick(),
                    const Corpus& corpus = *corpus_) {
    EvalOptions scoring = tiny_options("");
    scoring.window = 16;  // most documents are longer
    Alternatives weighed = weigh_alternatives(artifact, second, corpus, options, scoring, comm);
    compare_alternatives(weighed, options);
    return alternatives_record(weighed);
  }

  static json arm(const json& record, const std::string& name) {
    for (const json& entry : record["arms"])
      if (entry["arm"] == name) return entry;
    return nullptr;
  }

  static std::string refusal(const ScoredArtifact& artifact, const ScoredArtifact* second,
                             ExitCode code, const AlternativesOptions& options = quick()) {
    try {
      weigh(artifact, second, test_comm(), options);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code);
      EXPECT_THAT(error.what(), testing::Not(HasSubstr("\n")));
      return error.what();
    }
    return "accepted";
  }

  static std::unique_ptr<TemporaryFolder> own_folder_;  // on rank 0
  static fs::path folder_;
  static std::unique_ptr<Corpus> corpus_;
};

std::unique_ptr<TemporaryFolder> AlternativesTest::own_folder_;
fs::path AlternativesTest::folder_;
std::unique_ptr<Corpus> AlternativesTest::corpus_;

TEST_F(AlternativesTest, RecordIsThatOfOneRankUnderEveryRule) {
  const auto self = make_self_communicator();
  const ScoredArtifact own = gated(), second = another();
  for (const auto& [rule, name] : EnumNames<KeyRule>::names) {
    SCOPED_TRACE(name);
    AlternativesOptions options = quick();
    options.key_rule = choice_of(rule);
    const json together = weigh(own, &second, test_comm(), options);
    EXPECT_EQ(together["key_rule"], name);
    if (test_comm().rank() == 0) {
      EXPECT_EQ(together.dump(), weigh(own, &second, *self, options).dump());
    }
    test_comm().barrier();
  }
}

TEST_F(AlternativesTest, NothingIsFittedOnTheTestSplit) {
  const Corpus fewer(folder_ / "fewer");
  ASSERT_EQ(fewer.digest(Split::kValid), corpus_->digest(Split::kValid));
  ASSERT_NE(fewer.digest(Split::kTest), corpus_->digest(Split::kTest));
  const ScoredArtifact own = gated(), second = another();
  AlternativesOptions options = quick();
  options.refine_share = 0.4;
  const json here = weigh(own, &second, test_comm(), options),
             there = weigh(own, &second, test_comm(), options, fewer);
  EXPECT_EQ(here["fitted"], there["fitted"]);
  EXPECT_EQ(here["valid_nats"], there["valid_nats"]);
  EXPECT_EQ(here["gate"]["threshold"], there["gate"]["threshold"]);
  EXPECT_NE(here["gate"]["threshold"], own.artifact.gate.threshold) << "another share";
  EXPECT_EQ(here["fitted_on"], corpus_->digest(Split::kValid));
  EXPECT_NE(arm(here, "none")["bpb"], arm(there, "none")["bpb"]);
}

TEST_F(AlternativesTest, StatesAreThoseOfAnEvaluation) {
  const ScoredArtifact own = gated();
  EvalOptions scoring = tiny_options(folder_ / "evaluated");
  scoring.window = 16;
  const StopRequest stop;
  ASSERT_EQ(evaluate(own, *corpus_, scoring, test_comm(), stop), Outcome::kFinished);
  const json evaluated =
      json::parse(read_file(folder_ / "evaluated" / "results.json"))["results"]["test"];
  const json record = weigh(own, nullptr, test_comm());
  for (const std::string state : {"none", "all", "gated"}) {
    EXPECT_NEAR(arm(record, state)["bpb"].get<double>(),
                evaluated["bits_per_byte," + state].get<double>(), 1e-5)
        << state;
    EXPECT_NEAR(arm(record, state)["standard_error"].get<double>(),
                evaluated["bits_per_byte_stderr," + state].get<double>(), 1e-5);
  }
}

TEST_F(AlternativesTest, ArmsTellWhatTheyCost) {
  const ScoredArtifact own = gated(), second = another();
  const json record = weigh(own, &second, test_comm());
  const auto bytes = [&](const char* name) { return arm(record, name)["bytes"].get<int64_t>(); };
  const auto flops = [&](const char* name) {
    return arm(record, name)["flops_per_token"].get<double>();
  };
  EXPECT_EQ(bytes("none"), own.size.value);
  EXPECT_EQ(bytes("none-temperature-by-gate"), own.size.value + 8);
  EXPECT_EQ(bytes("all-readout"), own.size.value + 4 * (corpus_->tokenizer().vocab() + 1));
  EXPECT_EQ(bytes("two-models"), own.size.value + second.size.value);
  EXPECT_EQ(bytes("second"), second.size.value);
  const double pass = flops("all") - flops("none");
  EXPECT_GT(pass, 0);
  EXPECT_NEAR(flops("gated"), flops("none") + record["gate"]["share"].get<double>() * pass,
              0.02 * pass)
      << "picked positions see about as many keys as others";
  EXPECT_NEAR(flops("parallel-2-noise-0.1"), flops("none") + 2 * pass, 1e-6 * pass);
  EXPECT_LT(flops("serial-2"), flops("parallel-2-noise-0.1")) << "one head fewer";
  EXPECT_GT(flops("serial-2"), flops("none") + 1.5 * pass);
  EXPECT_NEAR(flops("two-models"), 2 * flops("none"), 1);
  EXPECT_EQ(arm(record, "parallel-2-noise-0")["bpb"], arm(record, "all")["bpb"]);
  EXPECT_EQ(record["c21"].size(), 2u);
  EXPECT_EQ(record["c6"].size(), 12u);
  EXPECT_EQ(record["fitted_tokens"], 300);
  EXPECT_TRUE(record["left_out"].empty());
}

TEST_F(AlternativesTest, WithoutAGateGatedArmsAreLeftOutWithAWord) {
  const ScoredArtifact plain = tiny_artifact(*corpus_, Family::kRecurrent, {});
  const json record = weigh(plain, nullptr, test_comm());
  EXPECT_TRUE(arm(record, "gated").is_null());
  EXPECT_FALSE(arm(record, "all-readout").is_null());
  EXPECT_TRUE(record["gate"].is_null());
  EXPECT_THAT(record["left_out"].dump(), HasSubstr("the artifact carries no gate"));
  AlternativesOptions options = quick();
  options.refine_share = 0.25;
  EXPECT_FALSE(arm(weigh(plain, nullptr, test_comm(), options), "gated").is_null());
}

TEST_F(AlternativesTest, AStaticModelThatLooksAgainHasOneBasePass) {
  const json record = weigh(gated(Family::kStatic), nullptr, test_comm());
  EXPECT_TRUE(arm(record, "mean-logits-of-passes").is_null());
  EXPECT_THAT(record["left_out"].dump(), HasSubstr("averages of base passes"));
}

TEST_F(AlternativesTest, RefusesArtifactsThatDoNotFit) {
  const ScoredArtifact own = gated();
  EXPECT_THAT(refusal(own, &own, ExitCode::kBadInput), HasSubstr("is the artifact itself"));
  ScoredArtifact stranger = another();
  stranger.artifact.tokenizer = std::string(64, '0');
  EXPECT_THAT(refusal(own, &stranger, ExitCode::kBadInput), HasSubstr("different tokenizers"));
  EXPECT_THAT(refusal(stranger, nullptr, ExitCode::kBadInput), HasSubstr("reads tokens of"));
  EXPECT_THAT(refusal(tiny_artifact(*corpus_, Family::kStatic, {}), nullptr, ExitCode::kBadInput),
              HasSubstr("it cannot refine"));
  ScoredArtifact leaky = gated();
  leaky.artifact.gate.calibrated_on = corpus_->digest(Split::kTest);
  EXPECT_THAT(refusal(leaky, nullptr, ExitCode::kBadInput), HasSubstr("set on the test split"));
  ScoredArtifact broken = gated();
  broken.artifact.tensors.front().values.front() = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(refusal(broken, nullptr, ExitCode::kBadInput), HasSubstr("not finite"));
}

TEST_F(AlternativesTest, RefusesArtifactsOfDifferentWindows) {
  const ScoredArtifact own = gated();
  ScoredArtifact shorter = another();
  shorter.artifact.model["context"] = 32;
  EXPECT_THROW(weigh_alternatives(own, &shorter, *corpus_, quick(), tiny_options(""), test_comm()),
               Error);
  EXPECT_FALSE(weigh(own, &shorter, test_comm()).is_null()) << "both are read in windows of 16";
}

TEST_F(AlternativesTest, RefusesNumbersOutOfRange) {
  const ScoredArtifact own = gated();
  const auto with = [&](const std::function<void(AlternativesOptions&)>& alter) {
    AlternativesOptions options = quick();
    alter(options);
    return refusal(own, nullptr, ExitCode::kUsage, options);
  };
  EXPECT_THAT(with([](auto& o) { o.trajectories = {"0"}; }), HasSubstr("'0' is no number from 1"));
  EXPECT_THAT(with([](auto& o) { o.noise = {"-0.1"}; }), HasSubstr("alternatives.noise: '-0.1'"));
  EXPECT_THAT(with([](auto& o) { o.noise = {"nan"}; }), HasSubstr("'nan' is no number"));
  EXPECT_THAT(with([](auto& o) { o.passes = {"2", "2"}; }), HasSubstr("a number twice"));
  EXPECT_THAT(with([](auto& o) { o.refine_share = 1.5; }), HasSubstr("refine-share"));
  EXPECT_THAT(with([](auto& o) { o.readout_steps = 0; }), HasSubstr("readout-steps"));
  EXPECT_THAT(with([](auto& o) { o.readout_prior = 0; }), HasSubstr("readout-prior"));
  EXPECT_THAT(with([](auto& o) { o.draws = 10; }), HasSubstr("at least 100"));
}

}  // namespace
}  // namespace reprise
