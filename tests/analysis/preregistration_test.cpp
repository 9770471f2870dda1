// What a study file declares, and that nothing given beside it decides otherwise.
#include <gmock/gmock.h>

#include "base/digest.h"
#include "tests/analysis/verdict_command.h"

namespace reprise {
namespace {

using testing::HasSubstr;

class Preregistered : public Verdicts {
 protected:
  Preregistered()
      : words_{"--verdict.recurrent", traces("recurrent", {}), "--verdict.static",
               static_arm(),          "--verdict.study",       study_} {}

  /// Under a study file of this text.
  Outcome under(const std::string& text, const std::vector<std::string>& more = {}) {
    write_file(study_, text);
    auto words = words_;
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  }

  void expect_refused(const std::string& text, const std::vector<std::string>& more) {
    const Outcome outcome = under(text, more);
    EXPECT_EQ(outcome.code, ExitCode::kUsage) << outcome.words;
    EXPECT_THAT(outcome.words, HasSubstr(more.at(0) + " is not what " + study_ + " declares"));
    EXPECT_EQ(outcome.words.find('\n'), std::string::npos);
  }

  std::string study_ = folder_ / "study.ini";
  std::vector<std::string> words_;
};

TEST_F(Preregistered, TheStudyFileDecides) {
  const Outcome outcome =
      under("[study]\nname = demo\n[verdict]\nmargin-bpb = 0.5\nslices = early\ndraws = 500\n");
  EXPECT_EQ(outcome.record.at("margin_bpb"), 0.5);
  EXPECT_EQ(outcome.record.at("claims")[0].at("slices").size(), 1);
  EXPECT_EQ(outcome.record.at("study").at("sha256"), to_hex(sha256_file(study_)));
  EXPECT_THAT(outcome.words, HasSubstr(to_hex(sha256_file(study_))));
  EXPECT_THAT(under("[verdict]\nmargn-bpb = 0.5\n").words,
              HasSubstr("did you mean 'verdict.margin-bpb'"));
}

TEST_F(Preregistered, WhatTheFileLeavesOutIsItsDefault) {
  const std::string margin = "[verdict]\nmargin-bpb = 0.5\n";
  expect_refused(margin, {"--verdict.primary", "c3"});
  expect_refused(margin, {"--verdict.confidence", "0.6"});
  expect_refused(margin, {"--verdict.slices", ""});
  expect_refused(margin, {"--verdict.seed", "2"});
  EXPECT_EQ(under(margin, {"--verdict.confidence", "0.95", "--verdict.margin-bpb", "0.5"}).code,
            ExitCode::kOk);
  EXPECT_EQ(under(margin, {"--verdict.require-decision", "true"}).code, ExitCode::kOk);
}

TEST_F(Preregistered, AValueGivenIsNotTakenForADefaultLeftAlone) {
  const std::string declared = "[verdict]\nmargin-bpb = 0.5\nconfidence = 0.9\ndraws = 500\n";
  EXPECT_EQ(under(declared).record.at("confidence"), 0.9);
  expect_refused(declared, {"--verdict.confidence", "0.95"});
  expect_refused(declared, {"--verdict.margin-bpb", "0.1"});
}

}  // namespace
}  // namespace reprise
