// Claims from constructed traces: every word, every refusal, through the command itself.
#include <gmock/gmock.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/digest.h"
#include "base/file.h"
#include "eval/trace/writer.h"
#include "eval/verdict/evidence.h"
#include "tests/analysis/verdict_command.h"

namespace reprise {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr double kNoGain = 0;

TEST_F(Verdicts, AGainBeyondTheMarginIsSupported) {
  const Outcome outcome = compare({.gated_gain_bpb = 0.02, .random_gain_bpb = kNoGain});
  EXPECT_EQ(outcome.verdict("C1"), "supported");
  EXPECT_EQ(outcome.verdict("C3"), "supported");
  EXPECT_NEAR(outcome.claim("C1").at("contrast").at("difference_bpb"), -0.02, 0.002);
  EXPECT_THAT(outcome.words, HasSubstr("C1 (primary): supported."));
  EXPECT_THAT(outcome.words, HasSubstr("decides nothing about an architecture"));
}

TEST_F(Verdicts, ALossIsFalsified) {
  const Outcome outcome = compare({.shift_bpb = 0.02, .random_gain_bpb = 0.01});
  EXPECT_EQ(outcome.verdict("C1"), "falsified");
  EXPECT_EQ(outcome.verdict("C3"), "falsified");
  EXPECT_THAT(outcome.words, HasSubstr("the other side of zero"));
}

TEST_F(Verdicts, AnEffectInsideTheMarginIsFalsified) {
  const Outcome outcome = compare({.noise_bpb = 0.0002});
  EXPECT_EQ(outcome.verdict("C1"), "falsified");
  EXPECT_THAT(outcome.words, HasSubstr("inside the margin"));
}

TEST_F(Verdicts, WhatOnlyTheOneSidedTestsPlaceInsideIsEquivalent) {
  // The interval ends outside a margin between its own end and that of the interval at 90 %.
  const Outcome wide = compare({});
  const auto interval = wide.claim("C1").at("contrast").at("interval_bpb");
  const double outer = std::max(-interval[0].get<double>(), interval[1].get<double>());
  const Outcome outcome = compare({}, 1, {}, fixed(outer - 0.00001, 7));
  EXPECT_EQ(outcome.verdict("C1"), "equivalent");
  EXPECT_LT(outcome.claim("C1").at("contrast").at("p_tost"), 0.05);
}

TEST_F(Verdicts, ANoisyEffectIsInconclusiveAndSaysWhatWouldSettleIt) {
  const SyntheticArm noisy{.gated_gain_bpb = 0.006, .noise_bpb = 0.03};
  const Outcome outcome = compare(noisy);
  EXPECT_EQ(outcome.verdict("C1"), "inconclusive");
  EXPECT_EQ(outcome.code, ExitCode::kOk);
  EXPECT_GT(outcome.claim("C1").at("contrast").at("would_settle").at("documents"), 60);
  EXPECT_THAT(outcome.words, HasSubstr("would settle it"));
  EXPECT_EQ(compare(noisy, 1, {"--verdict.require-decision", "true"}).code,
            ExitCode::kInconclusive);
}

TEST_F(Verdicts, ThreeSeedsSpeakOfAnArchitecture) {
  const Outcome outcome = compare({.gated_gain_bpb = 0.02}, 3);
  EXPECT_EQ(outcome.verdict("C1"), "supported");
  EXPECT_EQ(outcome.claim("C1").at("contrast").at("interval_over"), "seeds and documents");
  EXPECT_THAT(outcome.words, Not(HasSubstr("decides nothing")));
  EXPECT_THAT(compare({.gated_gain_bpb = 0.02}, 2).words, HasSubstr("decides nothing"));
}

TEST_F(Verdicts, SlicesAreCorrectedAndOthersShownBeside) {
  const Outcome outcome = compare({.gated_gain_bpb = 0.02});
  const auto& claim = outcome.claim("C1");
  ASSERT_EQ(claim.at("slices").size(), 2);
  double smallest = 1;
  for (const auto& slice : claim.at("slices")) {
    EXPECT_NEAR(slice.at("confidence"), 0.975, 1e-12);
    EXPECT_GE(slice.at("p_holm"), slice.at("p_beyond_margin"));
    smallest = std::min(smallest, slice.at("p_beyond_margin").get<double>());
  }
  EXPECT_EQ(claim.at("beside").size(), 2);
  EXPECT_EQ(outcome.claim("C3").at("beside").at(1).at("asserts"), "no difference");
  EXPECT_EQ(outcome.record.at("scores").size(), 5);
}

TEST_F(Verdicts, AnIntervalIsNamedWithTheDigitsItTakes) {
  const Outcome outcome = run({"--verdict.recurrent", traces("recurrent", {.gated_gain_bpb = 0.02}),
                               "--verdict.static", static_arm(), "--verdict.margin-bpb", "0.002",
                               "--verdict.draws", "8000", "--verdict.confidence", "0.999"});
  EXPECT_THAT(outcome.words, HasSubstr("(99.9 % interval"));
  EXPECT_THAT(outcome.words, HasSubstr("(99.95 % interval"));  // of one slice in two
  EXPECT_THAT(compare({.gated_gain_bpb = 0.02}).words,
              AllOf(HasSubstr("(95 % interval"), HasSubstr("(97.5 % interval")));
}

TEST_F(Verdicts, FewDocumentsDecideNothing) {
  const auto judged = [&](int64_t documents) {
    return run({"--verdict.recurrent",
                traces("recurrent", {.gated_gain_bpb = 0.02, .documents = documents}),
                "--verdict.static", static_arm(1, {.documents = documents}), "--verdict.margin-bpb",
                "0.002", "--verdict.draws", "500"});
  };
  const Outcome few = judged(19);
  for (const auto& claim : few.record.at("claims")) {
    EXPECT_EQ(claim.at("verdict"), "inconclusive");
    EXPECT_GE(claim.at("contrast").at("would_settle").at("documents"), 20);
    for (const auto& slice : claim.at("slices")) EXPECT_EQ(slice.at("verdict"), "inconclusive");
    for (const auto& other : claim.at("beside")) EXPECT_EQ(other.at("verdict"), "inconclusive");
  }
  EXPECT_THAT(few.words, HasSubstr("too few documents to trust an interval: 19 where at least 20"));
  EXPECT_EQ(judged(20).verdict("C1"), "supported");
}

TEST_F(Verdicts, FewerDrawsThanTheConfidenceTakesAreRefused) {
  const Outcome outcome = compare({.gated_gain_bpb = 0.02}, 1, {"--verdict.confidence", "0.9999"});
  EXPECT_EQ(outcome.code, ExitCode::kUsage);
  EXPECT_THAT(outcome.words, HasSubstr("verdict.draws is 2000, too few for limits at a confidence "
                                       "of 0.9999 over 2 slices; at least 80000"));
}

TEST_F(Verdicts, AGateThatRefinesNothingOrEverythingTestsNoChoice) {
  const auto judged = [&](uint8_t refined) {
    const auto alter = [refined](Trace& t) {
      auto& tokens = t.tokens;
      std::ranges::fill(tokens.refined, refined);
      std::ranges::fill(tokens.random, refined);
      std::ranges::fill(tokens.passes, uint8_t(2 + refined));
      tokens.nll_gated = tokens.nll_random = refined ? tokens.nll_all : tokens.nll_base;
      auto& documents = t.documents;
      for (size_t d = 0; d < documents.tokens.size(); ++d)
        documents.refined[d] = documents.random[d] = refined ? documents.tokens[d] : 0;
      documents.nats_gated = documents.nats_random =
          refined ? documents.nats_all : documents.nats_base;
    };
    return run({"--verdict.recurrent", altered({.gated_gain_bpb = 0.05}, "gate.h5", alter),
                "--verdict.static", static_arm(), "--verdict.margin-bpb", "0.002",
                "--verdict.draws", "500"});
  };
  const Outcome none = judged(0), every = judged(1);
  EXPECT_EQ(none.verdict("C1"), "inconclusive");
  EXPECT_EQ(none.verdict("C3"), "inconclusive");
  EXPECT_THAT(none.words, HasSubstr("the gate refined no token here"));
  EXPECT_EQ(every.verdict("C1"), "supported");
  EXPECT_EQ(every.verdict("C3"), "inconclusive");
  EXPECT_THAT(every.words, HasSubstr("the gate refined every token here"));
  for (const auto& slice : every.claim("C3").at("slices"))
    EXPECT_EQ(slice.at("verdict"), "inconclusive");
  EXPECT_FALSE(every.claim("C3").at("contrast").contains("would_settle"));
}

TEST_F(Verdicts, RefusesTextThatTheModelOrItsGateWasFittedOn) {
  const auto refusal = [&](const std::function<void(Trace&)>& alter) {
    const Outcome outcome =
        run({"--verdict.recurrent", altered({}, "fitted.h5", alter), "--verdict.primary", "c3",
             "--verdict.margin-bpb", "0.002", "--verdict.draws", "200"});
    EXPECT_EQ(outcome.code, ExitCode::kInvalidTrace);
    return outcome.words;
  };
  EXPECT_THAT(refusal([](Trace& t) { t.attributes.split = "train"; }),
              HasSubstr("of the train split"));
  EXPECT_THAT(
      refusal([](Trace& t) { t.attributes.gate_calibrated_on = t.attributes.corpus_digest; }),
      HasSubstr("the gate's threshold was set on"));
}

TEST_F(Verdicts, ASliceThatOnlyTheCorrectedTestSupportsSaysSo) {
  // Gains between what 97.5 % intervals and what Holm's second test at 95 % tell from the margin.
  for (double gain = 0.0033; gain < 0.0036; gain += 0.0001) {
    const Outcome outcome = compare({.gated_gain_bpb = gain});
    for (const auto& slice : outcome.claim("C1").at("slices")) {
      if (slice.at("verdict") != "supported") continue;
      const bool beyond = slice.at("interval_bpb")[1] < -0.002;
      const auto because = slice.at("because").get<std::string>();
      EXPECT_EQ(because.starts_with("the whole interval"), beyond) << slice;
      if (!beyond) return;
    }
  }
  ADD_FAILURE() << "no gain made the case";
}

TEST_F(Verdicts, ASliceWithoutTextIsSaidAndTheOthersAreDecided) {
  // No token is early, or those of one document.
  for (const uint32_t documents : {0u, 1u}) {
    const auto without_early = [documents](Trace& t) {
      for (size_t i = 0; i < t.tokens.slices.size(); ++i)
        if (t.tokens.document[i] >= documents)
          t.tokens.slices[i] &= ~static_cast<uint32_t>(Slice::kEarly);
    };
    const Outcome outcome =
        run({"--verdict.recurrent", altered({.gated_gain_bpb = 0.02}, "r.h5", without_early),
             "--verdict.static",
             altered({.passes = Passes::kBaseOnly, .training_seed = 9}, "s.h5", without_early),
             "--verdict.margin-bpb", "0.002", "--verdict.draws", "500"});
    EXPECT_EQ(outcome.verdict("C1"), "supported");
    const json slices = outcome.claim("C1").at("slices");
    EXPECT_EQ(slices[0].at("documents"), documents);
    for (const char* field : {"verdict", "difference_bpb", "interval_bpb", "p_holm"})
      EXPECT_TRUE(slices[0].at(field).is_null()) << field;
    EXPECT_EQ(slices[1].at("confidence"), 0.95);  // a family of one
    EXPECT_EQ(slices[1].at("p_holm"), slices[1].at("p_beyond_margin"));
    EXPECT_THAT(outcome.words, HasSubstr("slice early: no text here"));
    EXPECT_THAT(outcome.words, HasSubstr("counts the 1 of 2 declared slices that have text"));
  }
}

TEST_F(Verdicts, TheSameTracesGiveTheSameBytes) {
  const SyntheticArm arm{.gated_gain_bpb = 0.004};
  const Outcome first = compare(arm), second = compare(arm);
  EXPECT_EQ(first.record.dump(), second.record.dump());
  EXPECT_EQ(first.words, second.words);
}

TEST_F(Verdicts, WithoutAStaticArmOnlyTheGateIsJudged) {
  const std::string recurrent = traces("recurrent", {.gated_gain_bpb = 0.02});
  const Outcome outcome = run({"--verdict.recurrent", recurrent, "--verdict.primary", "c3",
                               "--verdict.margin-bpb", "0.002", "--verdict.draws", "500"});
  EXPECT_EQ(outcome.record.at("claims").size(), 1);
  EXPECT_THAT(outcome.words, HasSubstr("C3 (primary): supported."));
  EXPECT_EQ(run({"--verdict.recurrent", recurrent, "--verdict.margin-bpb", "0.002"}).code,
            ExitCode::kUsage);
}

TEST_F(Verdicts, RefusesArtifactsOfUnequalBytes) {
  EXPECT_EQ(compare({.artifact_bytes = 1'001'000}).code, ExitCode::kOk);  // the width of the band
  const Outcome outcome = compare({.artifact_bytes = 1'001'002});
  EXPECT_EQ(outcome.code, ExitCode::kInvalidTrace);
  EXPECT_THAT(outcome.words, HasSubstr("1002 apart"));
}

TEST_F(Verdicts, RefusesOtherDocuments) {
  EXPECT_EQ(compare({.documents = 59}).code, ExitCode::kInvalidTrace);
  const std::string recurrent = traces("recurrent", {});
  const auto altered = [&](auto alter) {
    Trace trace = make_trace({.passes = Passes::kBaseOnly});
    alter(trace);
    const std::string path = folder_ / "altered.h5";
    write_trace(path, trace.passes, trace.tokens, trace.documents, trace.attributes);
    return run({"--verdict.recurrent", recurrent, "--verdict.static", path, "--verdict.margin-bpb",
                "0.002", "--verdict.draws", "200"});
  };
  EXPECT_EQ(altered([](Trace&) {}).code, ExitCode::kOk);
  EXPECT_THAT(altered([](Trace& t) { t.documents.hash[3][0] ^= 1; }).words, HasSubstr("documents"));
  EXPECT_THAT(altered([](Trace& t) { t.attributes.split = "valid"; }).words, HasSubstr("split"));
  EXPECT_THAT(altered([](Trace& t) { t.attributes.corpus_digest = "0"; }).words,
              HasSubstr("corpus"));
  EXPECT_THAT(altered([](Trace& t) { t.attributes.tokenizer_sha256 = "0"; }).words,
              HasSubstr("tokenizer"));
  EXPECT_THAT(altered([](Trace& t) { t.attributes.early_tokens = 8; }).words, HasSubstr("early"));
  EXPECT_EQ(altered([](Trace& t) { t.documents.nats_base[5] += 1; }).code, ExitCode::kInvalidTrace);
  const Outcome failed =
      altered([](Trace& t) { t.attributes.checks["normalisation"]["passed"] = false; });
  EXPECT_EQ(failed.code, ExitCode::kInvalidTrace);
  EXPECT_THAT(failed.words, HasSubstr("'normalisation' did not pass"));
  EXPECT_THAT(altered([](Trace& t) { t.attributes.checks.erase("normalisation"); }).words,
              HasSubstr("records no check 'normalisation'"));
}

TEST_F(Verdicts, RefusesOptionsThatDecideNothing) {
  const std::string recurrent = traces("recurrent", {}), rival = static_arm();
  const auto refusal = [&](const std::string& first, const std::string& second,
                           const std::vector<std::string>& more) {
    std::vector<std::string> words{"--verdict.recurrent", first, "--verdict.static", second};
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  };
  const auto usage = [&](const std::vector<std::string>& more, const std::string& line) {
    const Outcome outcome = refusal(recurrent, rival, more);
    EXPECT_EQ(outcome.code, ExitCode::kUsage);
    EXPECT_THAT(outcome.words, HasSubstr(line));
  };
  const std::vector<std::string> margin{"--verdict.margin-bpb", "0.1"};
  usage({}, "margin-bpb must be above 0");
  usage({margin[0], margin[1], "--verdict.slices", "late"}, "'late' is none of: early, rare");
  usage({margin[0], margin[1], "--verdict.slices", "rare,rare"}, "twice");
  usage({margin[0], margin[1], "--verdict.confidence", "1"}, "verdict.confidence");
  usage({margin[0], margin[1], "--verdict.power", "0"}, "verdict.power");
  usage({margin[0], margin[1], "--verdict.draws", "0"}, "verdict.draws");
  usage({margin[0], margin[1], "--verdict.seed", "-1"}, "verdict.seed is negative");
  EXPECT_THAT(refusal(recurrent, rival + "," + rival, margin).words,
              HasSubstr("a trace for each seed"));
  const Outcome no_second_pass = refusal(
      altered({.passes = Passes::kBaseOnly}, "one_pass.h5",
              [](Trace& t) { t.attributes.configuration["model"]["family"] = "recurrent"; }),
      rival, margin);
  EXPECT_EQ(no_second_pass.code, ExitCode::kInvalidTrace);
  EXPECT_THAT(no_second_pass.words, HasSubstr("without a second pass"));
  EXPECT_EQ(refusal(folder_ / "none.h5", rival, margin).code, ExitCode::kBadInput);
}

TEST_F(Verdicts, RefusesASecondPassThatWasNotChecked) {
  const auto judged = [&](auto alter) {
    Trace trace = make_trace({.gated_gain_bpb = 0.02});
    alter(trace);
    const std::string path = folder_ / "altered.h5";
    write_trace(path, trace.passes, trace.tokens, trace.documents, trace.attributes);
    return run({"--verdict.recurrent", path, "--verdict.primary", "c3", "--verdict.margin-bpb",
                "0.002", "--verdict.draws", "200"});
  };
  EXPECT_EQ(judged([](Trace&) {}).code, ExitCode::kOk);
  const Outcome unchecked = judged([](Trace& t) {
    t.attributes.checks["sparse_equals_dense"] = json{{"run", false}};
  });
  EXPECT_EQ(unchecked.code, ExitCode::kInvalidTrace);
  EXPECT_THAT(unchecked.words, HasSubstr("'sparse_equals_dense' was not run"));
}

TEST_F(Verdicts, RefusesAnotherRuleThanTheOneItCanReadCorrectionsUnder) {
  Trace trace = make_trace({});
  trace.attributes.refinement_rule = "latest";
  const std::string path = folder_ / "latest.h5";
  write_trace(path, trace.passes, trace.tokens, trace.documents, trace.attributes);
  const Outcome outcome = run({"--verdict.recurrent", path, "--verdict.primary", "c3",
                               "--verdict.margin-bpb", "0.002", "--verdict.draws", "200"});
  EXPECT_EQ(outcome.code, ExitCode::kInvalidTrace);
  EXPECT_THAT(outcome.words, HasSubstr("refined under the rule 'latest'"));
}

TEST_F(Verdicts, RefusesAControlThatSpentMore) {
  Trace trace = make_trace({});
  auto& t = trace.tokens;
  const auto extra = static_cast<size_t>(std::ranges::find(t.random, 0) - t.random.begin());
  t.random[extra] = 1;
  trace.documents.random[0] += 1;
  const std::string path = folder_ / "unequal.h5";
  write_trace(path, trace.passes, t, trace.documents, trace.attributes);
  const Outcome outcome = run({"--verdict.recurrent", path, "--verdict.primary", "c3",
                               "--verdict.margin-bpb", "0.002", "--verdict.draws", "200"});
  EXPECT_EQ(outcome.code, ExitCode::kInvalidTrace);
  EXPECT_THAT(outcome.words, HasSubstr("compared at equal compute"));
}

/// One document of four tokens, all that the second pass can do to a prediction.
TEST_F(Verdicts, CorrectionsAndSlicesByHand) {
  Trace trace = make_trace({.documents = 2});
  auto& t = trace.tokens;
  std::ranges::fill(t.refined, uint8_t{0});
  std::ranges::fill(t.random, uint8_t{0});
  std::ranges::fill(t.slices, 0u);
  t.nll_gated = t.nll_random = t.nll_base;
  for (size_t i = 0; i < 4; ++i) {
    t.refined[i] = t.random[i] = 1;
    t.passes[i] = 3;
    t.top1_base[i] = i / 2;  // wrong, wrong, right, right
    t.top1_all[i] = i % 2;   // wrong, right, wrong, right
    t.nll_gated[i] = t.nll_base[i] + (i == 2 ? 0.5f : -0.25f);
  }
  t.slices[1] = t.slices[2] = static_cast<uint32_t>(Slice::kRare);
  for (size_t d = 0, row = 0; d < 2; ++d) {
    trace.documents.nats_gated[d] = 0;
    trace.documents.refined[d] = trace.documents.random[d] = d == 0 ? 4 : 0;
    trace.documents.nats_random[d] = trace.documents.nats_base[d];
    for (uint32_t i = 0; i < trace.documents.tokens[d]; ++i)
      trace.documents.nats_gated[d] += t.nll_gated[row++];
  }
  const std::string path = folder_ / "hand.h5";
  write_trace(path, trace.passes, t, trace.documents, trace.attributes);

  const Evidence evidence = load_evidence(path);
  const Corrections& found = evidence.corrections[static_cast<size_t>(Policy::kGated)];
  EXPECT_EQ(found.tokens, 4);
  EXPECT_EQ(found.fixed, 1);
  EXPECT_EQ(found.broken, 1);
  EXPECT_EQ(found.still_right, 1);
  EXPECT_EQ(found.still_wrong, 1);
  EXPECT_NEAR(found.saved.value, 0.75, 1e-6);
  EXPECT_NEAR(found.lost.value, 0.5, 1e-6);
  const DocumentScores& rare = evidence.scores(Policy::kGated, Slice::kRare);
  EXPECT_EQ(rare[0].bytes.value, t.bytes[1] + t.bytes[2]);
  EXPECT_NEAR(rare[0].nats.value, t.nll_gated[1] + t.nll_gated[2], 1e-6);
  EXPECT_EQ(rare[1].bytes.value, 0);
}

}  // namespace
}  // namespace reprise
