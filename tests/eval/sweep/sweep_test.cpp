// Many gates in one reading against `reprise eval` with each of them, and on one rank against all.
#include "eval/sweep/sweep.h"

#include <gmock/gmock.h>

#include <cmath>
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
    ASSERT_EQ(swept.controls.front(), SweepControl::kRandom);
    EXPECT_NEAR(gate.minus_controls.front().estimate.bpb, bpb - bits_per_byte(random), 1e-9);
    EXPECT_EQ(gate.refined, std::ranges::count(trace.tokens.refined, 1));
    EXPECT_GT(gate.refined, 5);
    EXPECT_NEAR(swept.none.bpb, bits_per_byte(none), 1e-9);
  }
}

/// Under coarse what any control picks is known from the trace of one evaluation.
TEST_F(SweepTest, ControlsPickAsManyOfEveryWindow) {
  options_.key_rule = RuleChoice::kCoarse;
  options_.gates = {"entropy"};
  options_.budgets = {"0.3"};
  const Sweep swept = sweep(test_comm());
  const SweptGate& gate = swept.gates.at(0);
  const auto minus_none = [&](SweepControl control) {
    const auto found = std::ranges::find(swept.controls, control) - swept.controls.begin();
    return gate.controls_minus_none[static_cast<size_t>(found)].estimate.bpb;
  };
  EvalOptions one = scoring_;
  one.gate = "entropy", one.budget = 0.3, one.curves = options_.curves;
  one.key_rule = RuleChoice::kCoarse;
  one.out = root_ / "coarse";
  const StopRequest stop;
  ASSERT_EQ(evaluate(*artifact_, *corpus_, one, test_comm(), stop), Outcome::kFinished);
  const Trace trace = read_trace(root_ / "coarse" / "trace.h5");
  const TokenColumns& t = trace.tokens;
  // Windows of 16 with a stride of 8 score the first 16 positions of a document, then 8 at a time,
  // the last ones what is left.
  double inverted = 0, loss = 0, gain = 0, bytes = 0;
  for (size_t d = 0; d < trace.documents.tokens.size(); ++d) {
    const size_t first = trace.documents.first_token[d], count = trace.documents.tokens[d];
    bytes += static_cast<double>(trace.documents.bytes[d]);
    for (size_t begin = 0, end = 0; begin < count; begin = end) {
      end = std::min(count, begin == 0 ? size_t{16} : begin + 8);
      std::vector<size_t> rows;
      int64_t refined = 0;
      for (size_t i = first + begin; i < first + end; ++i) {
        rows.push_back(i);
        refined += t.refined[i];
      }
      const auto sum_of = [&](auto&& number) {
        std::ranges::stable_sort(rows, {}, number);
        double sum = 0;
        for (int64_t k = 0; k < refined; ++k) {
          const size_t row = rows[static_cast<size_t>(k)];
          sum += t.nll_all[row] - t.nll_base[row];
        }
        std::ranges::sort(rows);
        return sum;
      };
      inverted += sum_of([&](size_t i) { return t.entropy_base[i]; });
      loss += sum_of([&](size_t i) { return -t.nll_base[i]; });
      gain += sum_of([&](size_t i) { return t.nll_all[i] - t.nll_base[i]; });
    }
  }
  const double to_bpb = 1 / std::log(2.0) / bytes;
  EXPECT_NEAR(minus_none(SweepControl::kInverted), inverted * to_bpb, 1e-5);
  EXPECT_NEAR(minus_none(SweepControl::kOracleLoss), loss * to_bpb, 1e-5);
  EXPECT_NEAR(minus_none(SweepControl::kOracleGain), gain * to_bpb, 1e-5);
  EXPECT_LT(minus_none(SweepControl::kOracleGain), minus_none(SweepControl::kRandom));
  EXPECT_NE(minus_none(SweepControl::kMatched), minus_none(SweepControl::kRandom));
}

TEST(SweepControls, MatchedDrawsStayWithinTheirBins) {
  const FrequencyBins bins({100, 1, 100, 1, 100, 100});
  EXPECT_EQ(bins.of(1), 0);
  EXPECT_EQ(bins.of(3), 0);
  EXPECT_LT(bins.of(0), bins.of(5)) << "of equal counts the earlier";
  EXPECT_EQ(bins.of(5), 6) << "302 of 402 stand before it";
  EXPECT_THROW(parse_controls({"random", "random"}), Error);
  EXPECT_THROW(parse_controls({"moon"}), Error);
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
