// Many gates in one reading against `reprise eval` with each of them, and on one rank against all.
#include "eval/sweep/sweep.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "eval/bits_per_byte.h"
#include "eval/calibrate.h"
#include "eval/evaluate.h"
#include "eval/trace/reader.h"
#include "tests/eval/tiny_world.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_comm.h"

namespace reprise {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class SweepTest : public testing::Test {
 protected:
  SweepTest() {
    if (test_comm().rank() == 0) write_tiny_corpus(own_.path());
    root_ = broadcast_text(test_comm(), own_.path().string());
    corpus_ = std::make_unique<Corpus>(root_ / "corpus");
    artifact_ = std::make_unique<ScoredArtifact>(
        tiny_artifact(*corpus_, Family::kRecurrent, {"entropy", 1.5, 0.25, std::string(64, 'a')}));
    scoring_ = tiny_options("");
    scoring_.window = 16, scoring_.stride = 8;
    options_.curves = root_ / "curves.json";
    options_.draws = 200;
    options_.key_rule = RuleChoice::kLatest;
    write_curves({{"kind", "threshold"}});
  }
  ~SweepTest() override { test_comm().barrier(); }

  /// As `reprise curves` would: thresholds that some tokens exceed.
  void write_curves(const json& policy) const {
    const auto curve = [](const char* gate, const json& low, const json& high) {
      return json{{"gate", gate},
                  {"points",
                   {{{"budget", 0.1}, {"valid_share", 0.1}, {"thresholds", high}},
                    {{"budget", 0.3}, {"valid_share", 0.3}, {"thresholds", low}},
                    {{"budget", 1.0}, {"valid_share", 1.0}, {"thresholds", "all"}}}}};
    };
    const json record{
        {"gates",
         {curve("entropy", {4.9}, {5.1}), curve("entropy & residual", {4.5, 0.2}, {5.0, 0.3}),
          curve("token", {0.1}, {0.2}), curve("head", {0.1}, {0.2})}},
        {"traces",
         {{"valid",
           {{"artifact_sha256", artifact_->sha256},
            {"corpus_digest", corpus_->digest(Split::kValid)},
            {"scoring", {{"window", 16}, {"stride", 8}, {"precision", "fp32"}}}}},
          {"test", {{"corpus_digest", corpus_->digest(Split::kTest)}}}}},
        {"configuration", {{"policy", policy}}}};
    if (test_comm().rank() == 0) write_file(root_ / "curves.json", record.dump());
    test_comm().barrier();
  }

  Sweep sweep(Communicator& comm) const {
    return sweep_gates(*artifact_, *corpus_, options_, scoring_, comm);
  }

  void expect_refused(const char* words) const {
    try {
      sweep(test_comm());
      ADD_FAILURE() << "accepted: " << words;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(words));
    }
  }

  TemporaryFolder own_;
  std::filesystem::path root_;
  std::unique_ptr<Corpus> corpus_;
  std::unique_ptr<ScoredArtifact> artifact_;
  SweepOptions options_;
  EvalOptions scoring_;
};

TEST_F(SweepTest, GivesWhatEachGatesOwnEvaluationGives) {
  write_curves({{"kind", "threshold"}, {"burst", 4}});
  const Sweep swept = sweep(test_comm());
  ASSERT_EQ(swept.gates.size(), 4u) << "two gates that an artifact can run, at two budgets below 1";
  for (const SweptGate& gate : swept.gates) {
    EvalOptions one = scoring_;
    one.gate = gate.gate;
    one.budget = gate.budget;
    one.curves = options_.curves;
    one.key_rule = options_.key_rule;
    one.out = root_ / concat(gate.gate.size(), ".", gate.budget);
    const StopRequest stop;
    ASSERT_EQ(evaluate(*artifact_, *corpus_, one, test_comm(), stop), Outcome::kFinished);
    const Trace trace = read_trace(std::filesystem::path(one.out) / "trace.h5");
    DocumentScores gated, random, none;
    for (size_t d = 0; d < trace.documents.bytes.size(); ++d) {
      const Bytes bytes{static_cast<int64_t>(trace.documents.bytes[d])};
      gated.push_back({Nats{trace.documents.nats_gated[d]}, bytes});
      random.push_back({Nats{trace.documents.nats_random[d]}, bytes});
      none.push_back({Nats{trace.documents.nats_base[d]}, bytes});
    }
    const double bpb = bits_per_byte(gated);
    EXPECT_NEAR(gate.score.bpb, bpb, 1e-9);
    EXPECT_NEAR(gate.minus_none.estimate.bpb, bpb - bits_per_byte(none), 1e-9);
    EXPECT_NEAR(gate.minus_random.estimate.bpb, bpb - bits_per_byte(random), 1e-9);
    EXPECT_EQ(gate.refined, std::ranges::count(trace.tokens.refined, 1));
    EXPECT_GT(gate.refined, 5);
    EXPECT_NEAR(swept.none.bpb, bits_per_byte(none), 1e-9);
  }
}

TEST_F(SweepTest, OneRankGivesTheSameRecord) {
  const Sweep together = sweep(test_comm());
  if (test_comm().rank() == 0) {
    EXPECT_EQ(sweep_record(together), sweep_record(sweep(*make_self_communicator())));
    EXPECT_THAT(sweep_table(together), HasSubstr("entropy & residual"));
  }
}

TEST_F(SweepTest, RefusesWhatIsNotInTheRecordOrCannotRun) {
  options_.gates = {"margin"};
  expect_refused("holds no curve of the gate 'margin'");
  options_.gates = {"head"};
  options_.budgets = {"0.1"};
  expect_refused("stores none");
  options_.gates = {"token"};
  expect_refused("it can be drawn, not run");
  options_.gates = {"entropy"};
  options_.budgets = {"0.2"};
  expect_refused("no point at budget 0.2");
  options_.budgets = {"0.1"};
  scoring_.stride = 16;
  expect_refused("eval.stride");
}

}  // namespace
}  // namespace reprise
