// A whole evaluation on any number of ranks gives the trace one rank gives, to the last bit.
#include "eval/evaluate.h"

#include <gmock/gmock.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "eval/calibrate.h"
#include "eval/trace/reader.h"
#include "tests/eval/same_columns.h"
#include "tests/eval/tiny_world.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_comm.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;

/// One corpus for all ranks and tests of this program.
class EvaluateTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    Communicator& comm = test_comm();
    if (comm.rank() == 0) {
      own_folder_ = std::make_unique<TemporaryFolder>();
      write_tiny_corpus(own_folder_->path());
    }
    folder_ = broadcast_text(comm, comm.rank() == 0 ? own_folder_->path().string() : "");
    corpus_ = std::make_unique<Corpus>(folder_ / "corpus");
  }
  static void TearDownTestSuite() {
    corpus_.reset();
    test_comm().barrier();
    own_folder_.reset();
  }

  static GateRule calibrated(Family family, Communicator& comm) {
    return calibrate_gate(tiny_artifact(*corpus_, family, {}).artifact, *corpus_,
                          {0.25, tiny_options("")}, comm);
  }

  static Trace evaluate_into(const ScoredArtifact& artifact, const EvalOptions& options,
                             Communicator& comm) {
    const StopRequest stop;
    EXPECT_EQ(evaluate(artifact, *corpus_, options, comm, stop), Outcome::kFinished);
    return read_trace(fs::path(options.out) / "trace.h5");
  }

  static fs::path out(const std::string& name) { return folder_ / name; }

  static std::unique_ptr<TemporaryFolder> own_folder_;  // on rank 0
  static fs::path folder_;
  static std::unique_ptr<Corpus> corpus_;
};

std::unique_ptr<TemporaryFolder> EvaluateTest::own_folder_;
fs::path EvaluateTest::folder_;
std::unique_ptr<Corpus> EvaluateTest::corpus_;

TEST_F(EvaluateTest, CalibrationIsThatOfOneRank) {
  const auto self = make_self_communicator();
  const GateRule together = calibrated(Family::kRecurrent, test_comm());
  const GateRule alone = calibrated(Family::kRecurrent, *self);
  EXPECT_EQ(together.threshold, alone.threshold);
  EXPECT_EQ(together.fraction, alone.fraction);
  EXPECT_NEAR(alone.fraction, 0.25, 1e-3);
  EXPECT_EQ(alone.calibrated_on, corpus_->digest(Split::kValid));
}

TEST_F(EvaluateTest, AShareThatPicksNoTokenIsRefused) {
  const ScoredArtifact artifact = tiny_artifact(*corpus_, Family::kRecurrent, {});
  try {
    calibrate_gate(artifact.artifact, *corpus_, {1e-9, tiny_options("")}, test_comm());
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    EXPECT_THAT(error.what(), testing::ContainsRegex("picks none of the valid split's [0-9]+; the "
                                                     "least that picks one is 0\\.[0-9]+"));
  }
}

/// Of every family: that none looks ahead, evaluation checks before it scores. The static and the
/// partial model apply their core, the middle layers, once more.
TEST_F(EvaluateTest, ColumnsAreThoseOfOneRank) {
  for (const auto& [family, family_name] : EnumNames<Family>::names) {
    SCOPED_TRACE(family_name);
    const auto self = make_self_communicator();
    const ScoredArtifact artifact = tiny_artifact(*corpus_, family, calibrated(family, *self));
    const std::string name(family_name);
    const Trace together =
        evaluate_into(artifact, tiny_options(out("together_" + name)), test_comm());
    EXPECT_EQ(together.passes, Passes::kRefined);
    EXPECT_EQ(together.attributes.ranks, test_comm().size());
    EXPECT_EQ(std::ssize(together.documents.tokens), std::ssize(corpus_->documents(Split::kTest)));
    if (test_comm().rank() == 0)
      expect_same_columns(together,
                          evaluate_into(artifact, tiny_options(out("alone_" + name)), *self));
    test_comm().barrier();
  }
}

TEST_F(EvaluateTest, UnderEveryRuleColumnsAreThoseOfOneRank) {
  const auto self = make_self_communicator();
  const ScoredArtifact artifact =
      tiny_artifact(*corpus_, Family::kRecurrent, calibrated(Family::kRecurrent, *self));
  std::vector<std::vector<float>> gated;
  for (const auto& [rule, rule_name] : EnumNames<KeyRule>::names) {
    SCOPED_TRACE(rule_name);
    const std::string name(rule_name);
    EvalOptions options = tiny_options(out("rule_" + name));
    options.window = 16;  // most documents are longer
    options.key_rule = choice_of(rule);
    const Trace together = evaluate_into(artifact, options, test_comm());
    EXPECT_EQ(together.attributes.refinement_rule, rule_name);
    EXPECT_EQ(together.documents.random, together.documents.refined);
    for (const std::vector<float>& others : gated) EXPECT_NE(together.tokens.nll_gated, others);
    gated.push_back(together.tokens.nll_gated);
    if (test_comm().rank() == 0) {
      options.out = out("rule_alone_" + name);
      expect_same_columns(together, evaluate_into(artifact, options, *self));
    }
    test_comm().barrier();
  }
}

/// One token of the whole split is refined: all ranks but one have none, in any batch.
TEST_F(EvaluateTest, RanksWithoutARefinedTokenEvaluateAsOneRank) {
  const auto self = make_self_communicator();
  ScoredArtifact artifact =
      tiny_artifact(*corpus_, Family::kRecurrent, {"entropy", 1e9, 0.1, std::string(64, 'c')});
  const Trace none = evaluate_into(artifact, tiny_options(out("none_refined")), test_comm());
  EXPECT_EQ(std::ranges::count(none.tokens.refined, 1), 0);
  EXPECT_EQ(none.tokens.nll_gated, none.tokens.nll_base);
  std::vector<float> entropies = none.tokens.entropy_base;
  std::ranges::nth_element(entropies, entropies.begin() + 1, std::greater{});
  artifact.artifact.gate.threshold = entropies[1];
  for (const RuleChoice rule : {RuleChoice::kCoarse, RuleChoice::kCopyState}) {
    EvalOptions options = tiny_options(out(concat("one_refined_", enum_name(rule))));
    options.key_rule = rule;
    const Trace together = evaluate_into(artifact, options, test_comm());
    EXPECT_EQ(std::ranges::count(together.tokens.refined, 1), 1);
    EXPECT_NE(together.tokens.nll_gated, together.tokens.nll_base);
    if (test_comm().rank() == 0) {
      options.out = out(concat("one_refined_alone_", enum_name(rule)));
      expect_same_columns(together, evaluate_into(artifact, options, *self));
    }
    test_comm().barrier();
  }
}

/// Gives the artifact a head that weighs signals alone, and a threshold for it.
void add_head(Artifact& artifact, const Corpus& corpus) {
  artifact.gate.signal = "head";
  artifact.gate.head_reads = "signals";
  artifact.tensors.push_back({"gate.output.weight", {3}, {1.0f, -0.5f, 0.25f}});
  artifact.tensors.push_back({"gate.output.bias", {1}, {0.125f}});
  const auto self = make_self_communicator();
  artifact.gate = calibrate_gate(artifact, corpus, {0.25, tiny_options("")}, *self);
}

TEST_F(EvaluateTest, AHeadsPassesAreThoseOfOneRank) {
  ScoredArtifact artifact = tiny_artifact(*corpus_, Family::kRecurrent, {});
  add_head(artifact.artifact, *corpus_);
  EvalOptions options = tiny_options(out("headed"));
  options.window = 16;
  options.key_rule = RuleChoice::kLatest;
  options.refinements = 3;
  options.signals = RecordSignals::kGate;
  const Trace trace = evaluate_into(artifact, options, test_comm());
  EXPECT_EQ(trace.attributes.gate_signal, "head");
  EXPECT_EQ(trace.attributes.refinement_rule, "latest, 3 passes");
  EXPECT_EQ(trace.attributes.accounting.at("nan_scores"), 0);
  EXPECT_GT(trace.attributes.accounting.at("gated").at("peak_bytes"), 0);
  const TokenColumns& t = trace.tokens;
  EXPECT_TRUE(t.residual.empty());
  const double most_nats = std::log(corpus_->tokenizer().vocab());
  for (size_t i = 0; i < t.token.size(); ++i) {
    const double score = t.entropy_base[i] / most_nats - 0.5 * t.margin_base[i] +
                         0.25 * t.max_probability[i] + 0.125;
    EXPECT_NEAR(t.head_score[i], score, 1e-5);
    EXPECT_EQ(t.refined[i] > 0, t.head_score[i] > trace.attributes.gate_threshold);
  }
  EXPECT_EQ(std::ranges::max(t.refined), 3);
  if (test_comm().rank() == 0) {
    const auto self = make_self_communicator();
    options.out = out("headed_alone");
    const Trace alone = evaluate_into(artifact, options, *self);
    expect_same_columns(trace, alone);
    EXPECT_EQ(t.head_score, alone.tokens.head_score);
  }
  test_comm().barrier();
}

TEST_F(EvaluateTest, AHeadThatIsNotWhatTheHeaderSaysIsRefused) {
  const StopRequest stop;
  const auto refusal = [&](const std::function<void(Artifact&)>& alter,
                           const EvalOptions& options) -> std::string {
    ScoredArtifact artifact = tiny_artifact(*corpus_, Family::kRecurrent, {});
    add_head(artifact.artifact, *corpus_);
    alter(artifact.artifact);
    try {
      evaluate(artifact, *corpus_, options, test_comm(), stop);
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  };
  const EvalOptions options = tiny_options(out("no-head"));
  EXPECT_THAT(refusal([](Artifact& a) { a.tensors.pop_back(); }, options),
              testing::HasSubstr("the artifact's gate lacks output.bias"));
  EXPECT_THAT(refusal([](Artifact& a) { a.gate.head_reads = "state"; }, options),
              testing::HasSubstr("the artifact's gate lacks output.weight of shape"));
  EXPECT_THAT(refusal([](Artifact& a) { a.gate.head_reads = "stars"; }, options),
              testing::HasSubstr("the artifact's gate reads 'stars'"));
  EXPECT_THAT(
      refusal([](Artifact& a) { a.gate.head_reads = "", a.gate.signal = "entropy"; }, options),
      testing::HasSubstr("2 tensors of a gate's head, which its gate does not read"));
  EvalOptions once = options;
  once.coda = CodaRun::kOnce;
  EXPECT_THAT(refusal([](Artifact&) {}, once),
              testing::HasSubstr("looks at head, which is not known before the coda"));
  EvalOptions many = options;
  many.refinements = 65;
  EXPECT_THAT(refusal([](Artifact&) {}, many), testing::HasSubstr("from 1 to 64"));
  EvalOptions none = options;
  none.refine = Refine::kOff;
  none.refinements = 2;
  EXPECT_THAT(refusal([](Artifact&) {}, none),
              testing::HasSubstr("--eval.refinements and --eval.coda are for a second pass"));
  EXPECT_FALSE(fs::exists(out("no-head")));
}

TEST_F(EvaluateTest, WithoutAGateOnlyTheBaseIsScored) {
  const ScoredArtifact artifact = tiny_artifact(*corpus_, Family::kStatic, {});
  const Trace trace = evaluate_into(artifact, tiny_options(out("base_only")), test_comm());
  EXPECT_EQ(trace.passes, Passes::kBaseOnly);
  EXPECT_TRUE(trace.tokens.nll_gated.empty());
  EXPECT_EQ(trace.attributes.refinement_rule, "");
  const nlohmann::json& checks = trace.attributes.checks;
  for (const char* check : {"causality_prediction", "normalisation"})
    EXPECT_EQ(checks[check]["passed"], true) << check;
  for (const char* check : {"causality_gate", "causality_refined", "sparse_equals_dense"})
    EXPECT_EQ(checks[check], nlohmann::json({{"run", false}})) << check;
}

TEST_F(EvaluateTest, ControlSpendsWhatTheGateSpends) {
  EvalOptions options = tiny_options(out("control"));
  options.window = 16;  // most documents are longer
  ScoredArtifact artifact = tiny_artifact(*corpus_, Family::kRecurrent, {});
  artifact.artifact.gate =
      calibrate_gate(artifact.artifact, *corpus_, {0.25, options}, test_comm());
  artifact.artifact.gate.fraction = 0.9;  // nothing like what it will refine here
  const Trace trace = evaluate_into(artifact, options, test_comm());
  const auto results = nlohmann::json::parse(read_file(out("control") / "results.json"));
  const double rate = results["refined_fraction"]["gated"];
  EXPECT_EQ(results["refined_fraction"]["random"], rate);
  EXPECT_GT(rate, 0.05);
  EXPECT_LT(rate, 0.5);
  EXPECT_EQ(trace.documents.random, trace.documents.refined);
  EXPECT_GT(std::ranges::count_if(trace.documents.tokens, [](uint32_t n) { return n > 32; }), 5);
  EXPECT_NE(trace.tokens.random, trace.tokens.refined);
}

TEST_F(EvaluateTest, WeightsThatFailACheckAreNotScored) {
  ScoredArtifact artifact = tiny_artifact(*corpus_, Family::kRecurrent, {});
  artifact.artifact.tensors.front().values.front() = std::numeric_limits<float>::quiet_NaN();
  const StopRequest stop;
  try {
    evaluate(artifact, *corpus_, tiny_options(out("broken")), test_comm(), stop);
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kInvalidTrace);
    EXPECT_THAT(error.what(),
                testing::HasSubstr("the check causality_prediction failed: inf exceeds 0"));
    EXPECT_THAT(error.what(), testing::HasSubstr("nothing was scored"));
  }
  test_comm().barrier();  // rank 0 has let go of the folder
  EXPECT_FALSE(fs::exists(out("broken")));
}

TEST_F(EvaluateTest, AnArtifactThatIsNoModelIsRefusedByItsName) {
  const StopRequest stop;
  const auto refusal = [&](const std::function<void(Artifact&)>& alter) -> std::string {
    ScoredArtifact artifact = tiny_artifact(*corpus_, Family::kRecurrent, {});
    alter(artifact.artifact);
    EvalOptions options = tiny_options(out("no-model"));
    options.artifact = "arm.reprise";
    try {
      evaluate(artifact, *corpus_, options, test_comm(), stop);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kBadInput);
      return error.what();
    }
    return "accepted";
  };
  EXPECT_THAT(refusal([](Artifact& a) { a.model["width"] = -1; }),
              testing::HasSubstr("arm.reprise: the artifact's model section: "));
  EXPECT_THAT(refusal([](Artifact& a) { a.tensors.pop_back(); }),
              testing::HasSubstr("arm.reprise: the artifact lacks "));
}

TEST_F(EvaluateTest, AttributesTellWhatWasDone) {
  const auto self = make_self_communicator();
  const ScoredArtifact artifact =
      tiny_artifact(*corpus_, Family::kRecurrent, calibrated(Family::kRecurrent, *self));
  const EvalOptions options = tiny_options(out("attributes"));
  const Trace trace = evaluate_into(artifact, options, test_comm());
  const TraceAttributes& attributes = trace.attributes;
  EXPECT_EQ(attributes.artifact_sha256, artifact.sha256);
  EXPECT_EQ(attributes.artifact_bytes, artifact.size.value);
  EXPECT_EQ(attributes.configuration["eval"]["window"], 64) << "the context, where none is named";
  EXPECT_EQ(attributes.configuration["eval"]["stride"], 32);
  EXPECT_EQ(attributes.tokenizer_sha256, corpus_->tokenizer().digest());
  EXPECT_EQ(attributes.corpus_digest, corpus_->digest(Split::kTest));
  EXPECT_EQ(attributes.domains, corpus_->domains());
  EXPECT_EQ(attributes.gate_threshold, artifact.artifact.gate.threshold);
  const auto tokens = static_cast<double>(trace.tokens.token.size());
  EXPECT_DOUBLE_EQ(attributes.refined_fraction,
                   static_cast<double>(std::ranges::count(trace.tokens.refined, 1)) / tokens);
  EXPECT_DOUBLE_EQ(attributes.random_fraction,
                   static_cast<double>(std::ranges::count(trace.tokens.random, 1)) / tokens);
  EXPECT_EQ(attributes.random_fraction, attributes.refined_fraction);
  EXPECT_EQ(attributes.refinement_rule, "coarse");
  EXPECT_EQ(attributes.control["causal"], false);
  EXPECT_EQ(attributes.checks.size(), 7u);
  for (const auto& [name, check] : attributes.checks.items())
    EXPECT_EQ(check["passed"], true) << name;
  EXPECT_EQ(attributes.accounting["base"]["tokens"], tokens);
  for (const char* pass : {"base", "gated", "random", "all"}) {
    EXPECT_GT(attributes.accounting[pass]["seconds"], 0) << pass;
    EXPECT_GE(attributes.accounting[pass]["executed_flops"],
              attributes.accounting[pass]["nominal_flops"])
        << pass;
  }
  EXPECT_EQ(attributes.configuration["eval"]["unit-tokens"], options.unit_tokens);
  EXPECT_EQ(attributes.configuration["model"]["width"], 32);
}

TEST_F(EvaluateTest, ResultsSumTheTrace) {
  const auto self = make_self_communicator();
  const ScoredArtifact artifact =
      tiny_artifact(*corpus_, Family::kRecurrent, calibrated(Family::kRecurrent, *self));
  const Trace trace = evaluate_into(artifact, tiny_options(out("results")), test_comm());
  const auto results = nlohmann::json::parse(read_file(out("results") / "results.json"));
  double nats = 0, bytes = 0;
  for (const double n : trace.documents.nats_gated) nats += n;
  for (const auto b : trace.documents.bytes) bytes += static_cast<double>(b);
  const auto& scores = results["results"]["test"];
  EXPECT_NEAR(scores["bits_per_byte,gated"].get<double>(), nats / std::log(2) / bytes, 1e-12);
  EXPECT_NEAR(scores["nats_per_token,gated"].get<double>(),
              nats / static_cast<double>(trace.tokens.token.size()), 1e-12);
  EXPECT_GT(scores["bits_per_byte_stderr,none"], 0);
  EXPECT_EQ(results["n-samples"]["test"]["effective"], trace.documents.tokens.size());
  EXPECT_EQ(results["higher_is_better"]["test"]["bits_per_byte"], false);
  EXPECT_TRUE(results["results"].contains("test/prose"));
  EXPECT_EQ(results["git_hash"], trace.attributes.versions["revision"]);
  EXPECT_FALSE(results["git_hash"].get<std::string>().empty());
}

}  // namespace
}  // namespace reprise
