// Gates with thresholds from a record of budget curves: what is taken from it, and what is refused.
#include "eval/gate_choice.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "tests/eval/tiny_world.h"
#include "tests/support/temporary_folder.h"

namespace reprise {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class GateChoiceTest : public testing::Test {
 protected:
  GateChoiceTest() {
    write_tiny_corpus(folder_.path());
    corpus_ = std::make_unique<Corpus>(folder_.path() / "corpus");
    artifact_ = std::make_unique<ScoredArtifact>(
        tiny_artifact(*corpus_, Family::kRecurrent, {"entropy", 1.5, 0.25, std::string(64, 'a')}));
    options_ = tiny_options(folder_.path() / "out");
    options_.gate = "entropy & residual";
    options_.curves = folder_.path() / "curves.json";
    options_.budget = 0.1;
    const json point{{"budget", 0.1}, {"valid_share", 0.08}, {"thresholds", {2.0, 0.25}}};
    record_ = {{"gates", {{{"gate", "entropy & residual"}, {"points", {point}}}}},
               {"traces",
                {{"valid",
                  {{"artifact_sha256", artifact_->sha256},
                   {"corpus_digest", corpus_->digest(Split::kValid)},
                   {"scoring",
                    {{"window", options_.window},
                     {"stride", options_.stride},
                     {"precision", enum_name(options_.precision)}}}}},
                 {"test", {{"corpus_digest", corpus_->digest(Split::kTest)}}}}},
               {"configuration", json::object()}};
  }

  GateChoice choose() const {
    write_file(options_.curves, record_.dump());
    return choose_gate(*artifact_, *corpus_, options_);
  }
  void expect_refused(const char* words) const {
    try {
      choose();
      ADD_FAILURE() << "accepted: " << words;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kBadInput);
      EXPECT_THAT(error.what(), HasSubstr(words));
    }
  }

  TemporaryFolder folder_;
  std::unique_ptr<Corpus> corpus_;
  std::unique_ptr<ScoredArtifact> artifact_;
  EvalOptions options_;
  json record_;
};

TEST_F(GateChoiceTest, WithoutAGateIsTheArtifacts) {
  options_.gate = options_.curves = "";
  options_.budget = 0;
  const GateChoice choice = choose_gate(*artifact_, *corpus_, options_);
  ASSERT_NE(choice.gate, nullptr);
  EXPECT_EQ(choice.signal, "entropy");
  EXPECT_THAT(choice.thresholds, testing::ElementsAre(1.5f));
}

TEST_F(GateChoiceTest, TakesTheThresholdsOfTheBudget) {
  const GateChoice choice = choose();
  EXPECT_EQ(choice.signal, "entropy & residual");
  EXPECT_EQ(choice.fraction, 0.08);
  EXPECT_THAT(choice.thresholds, testing::ElementsAre(2.0f, 0.25f));
  const std::vector<float> entropy{3, 3}, margin{0, 0};
  const std::vector<TokenPlace> places(2);
  const SignalValues others{{Signal::kResidual, {0.3f, 0.2f}}};
  EXPECT_THAT(choice.gate->score({entropy, margin, places, others}).margins,
              testing::ElementsAre(testing::Gt(0), testing::Lt(0)));
}

TEST_F(GateChoiceTest, DecidesUnderThePolicyOfTheCurves) {
  record_["configuration"]["policy"] = {{"kind", "threshold"}, {"cap", 2}};
  const GateChoice choice = choose();
  const std::vector<float> margins{1, 1, 1, 1};
  PolicyState state;
  EXPECT_THAT(choice.policy->decide(margins, state), testing::ElementsAre(1, 1, 0, 0));
  EXPECT_THAT(choice.may_see, testing::Contains("how many of the document were refined"));
  EXPECT_THAT(choice.may_see, testing::Contains("states between the base passes"));
}

TEST_F(GateChoiceTest, AThresholdMayRefineAll) {
  record_["gates"][0]["points"][0]["thresholds"] = {"all", "all"};
  EXPECT_THAT(choose().thresholds, testing::ElementsAre(kRefineAll, kRefineAll));
}

TEST_F(GateChoiceTest, RefusesARecordOfSomethingElse) {
  const json whole = record_;
  const auto refused = [&](const char* place, const json& value, const char* words) {
    record_ = whole;
    record_[json::json_pointer(place)] = value;
    expect_refused(words);
  };
  refused("/traces/valid/artifact_sha256", std::string(64, 'b'), "another artifact");
  refused("/traces/valid/corpus_digest", std::string(64, 'b'), "another text");
  refused("/traces/valid/scoring/stride", 3, "eval.stride");
  refused("/traces/valid/scoring", nullptr, "not a record");
  refused("/configuration/policy", {{"kind", "pick-most"}}, "never scores");
  refused("/configuration/policy", {{"kind", "moon"}}, "its policy");
  refused("/configuration/policy", {{"burst", 0.5}}, "policy.burst");
  refused("/gates", json::object(), "no curve");
  refused("/gates/0/points/0/thresholds", "many", "not a record");
  refused("/gates/0/points/0/thresholds", {1.0}, "1 thresholds for the 2 terms");
  refused("/gates/0/points/0/thresholds", {1e300, 1.0}, "a threshold is no number");
  refused("/gates/0/points/0/valid_share", 7.5, "no share");
}

TEST_F(GateChoiceTest, OneGateHasOneName) {
  options_.gate = "residual&entropy";
  EXPECT_EQ(choose().signal, "entropy & residual");
}

TEST(Thresholds, AreWrittenAsTheyAreRead) {
  EXPECT_EQ(thresholds_json({0.5f, kRefineAll, kRefineNone}), json({0.5, "all", "none"}));
}

TEST_F(GateChoiceTest, RefusesWhatWasNotDrawn) {
  options_.budget = 0.2;
  expect_refused("no point at budget 0.2");
  options_.gate = "margin";
  expect_refused("no curve of the gate 'margin'");
  write_file(options_.curves, "{\"gates\":");
  EXPECT_THROW(choose_gate(*artifact_, *corpus_, options_), Error);
  options_.curves = folder_.path() / "elsewhere.json";
  EXPECT_THROW(choose_gate(*artifact_, *corpus_, options_), Error);
}

TEST_F(GateChoiceTest, OptionsThatContradictEachOtherAreRefused) {
  EXPECT_NO_THROW(validate(options_));
  const auto refused = [&](auto change) {
    EvalOptions options = options_;
    change(options);
    EXPECT_THROW(validate(options), Error);
  };
  refused([](EvalOptions& o) { o.curves = ""; });
  refused([](EvalOptions& o) { o.gate = ""; });
  refused([](EvalOptions& o) { o.budget = 0; });
  refused([](EvalOptions& o) { o.budget = 1.5; });
  refused([](EvalOptions& o) { o.budget = std::nan(""); });
  refused([](EvalOptions& o) { o.refine = Refine::kOff; });
}

}  // namespace
}  // namespace reprise
