// Traces that look alike and cannot be compared.
#include <gmock/gmock.h>

#include "tests/analysis/verdict_command.h"

namespace reprise {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

class Comparable : public Verdicts {
 protected:
  Outcome judge(const std::string& recurrent, const std::string& rival) {
    return run({"--verdict.recurrent", recurrent, "--verdict.static", rival, "--verdict.margin-bpb",
                "0.002", "--verdict.draws", "200"});
  }

  void expect_refused(const Outcome& outcome, const std::string& line) {
    EXPECT_EQ(outcome.code, ExitCode::kInvalidTrace) << outcome.words;
    EXPECT_THAT(outcome.words, HasSubstr(line));
  }

  /// A static trace evaluated under other options.
  std::string rival_with(const std::string& option, const json& value) {
    return altered({.passes = Passes::kBaseOnly, .training_seed = 9}, "rival.h5",
                   [&](Trace& t) { t.attributes.configuration["eval"][option] = value; });
  }
};

TEST_F(Comparable, OneArtifactIsOneSeed) {
  const std::string one = traces("recurrent", {}), rival = static_arm(3);
  expect_refused(judge(concat(one, ",", one, ",", one), rival), "are of the same artifact");
  // The same artifact evaluated twice, into two files.
  const auto rivals = static_arm(2);
  const std::string first = folder_ / "static0.h5", copy = folder_ / "copy.h5";
  write_file(copy, read_file(first));
  expect_refused(judge(traces("recurrent", {}, 2), concat(first, ",", copy)),
                 "static0.h5 are of the same artifact");
  EXPECT_EQ(judge(traces("recurrent", {}, 2), rivals).code, ExitCode::kOk);
}

TEST_F(Comparable, BothArmsAreScoredAlike) {
  const std::string recurrent = traces("recurrent", {});
  for (const auto& [option, value] : {std::pair<std::string, json>{"window", 32},
                                      {"stride", 8},
                                      {"precision", "bf16"},
                                      {"batch-tokens", 64},
                                      {"device", "cuda"}})
    expect_refused(judge(recurrent, rival_with(option, value)),
                   concat("were scored differently: eval.", option, " is ", value.dump()));
  for (const auto& [option, value] : {std::pair<std::string, json>{"out", "elsewhere"},
                                      {"artifact", "other.reprise"},
                                      {"refine", "off"},
                                      {"segment-units", 1}})
    EXPECT_EQ(judge(recurrent, rival_with(option, value)).code, ExitCode::kOk) << option;
}

TEST_F(Comparable, AnArmIsOfItsFamily) {
  const std::string recurrent = traces("recurrent", {}), rival = static_arm();
  expect_refused(judge(recurrent, traces("other", {.training_seed = 5})),
                 "of a model of family \"recurrent\", given as verdict.static");
  expect_refused(judge(rival, recurrent),
                 "of a model of family \"static\", given as verdict.recurrent");
  const std::string silent =
      altered({}, "silent.h5", [](Trace& t) { t.attributes.configuration.erase("model"); });
  expect_refused(judge(silent, rival), "of a model of family not stored");
}

}  // namespace
}  // namespace reprise
