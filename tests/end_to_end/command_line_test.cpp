// The command line of the program: help, version, misspelt words, and what a job of several ranks
// says when it fails.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/file.h"
#include "tests/end_to_end/program.h"
#include "tests/support/temporary_folder.h"

namespace reprise {
namespace {

using testing::HasSubstr;
using testing::Not;

class EveryCommand : public testing::TestWithParam<const char*> {};

TEST_P(EveryCommand, ListsItsOptionsWithUnitAndDefault) {
  const Outcome help = run_reprise(concat(GetParam(), " --help"));
  EXPECT_EQ(help.code, 0) << help.err;
  EXPECT_EQ(help.err, "");
  EXPECT_THAT(help.out, HasSubstr(concat("reprise ", GetParam(), ": ")));
  EXPECT_THAT(help.out, HasSubstr("--config FILE"));
  const auto lines_with = [&](const std::string& mark) {
    size_t count = 0;
    for (size_t at = 0; (at = help.out.find(mark, at)) != std::string::npos; ++at) ++count;
    return count;
  };
  EXPECT_GT(lines_with("\n  --"), 3u);
  // --config and --help have no section, no default.
  EXPECT_EQ(lines_with("\n  --"), lines_with(". Default: ") + lines_with(". Required\n") + 2);
}

TEST_P(EveryCommand, OffersTheNearestOptionForAMisspeltOne) {
  const std::string section = GetParam();
  const std::string action = section == "study" ? " plan" : section == "artifact" ? " show" : "";
  const std::string key = section == "artifact" ? ".file" : ".out";
  expect_refusal(run_reprise(concat(section, action, " --", section, key, "t x")), ExitCode::kUsage,
                 concat("did you mean '", section, key, "'?"));
}

TEST_P(EveryCommand, PrintsHelpOnceOnSeveralRanks) {
  if (std::string(GetParam()) == "study") return;  // refuses to be several
  const Outcome alone = run_reprise(concat(GetParam(), " --help"));
  const Outcome ranks = run_on_ranks(2, concat(GetParam(), " --help"));
  EXPECT_EQ(ranks.out, alone.out);
}

INSTANTIATE_TEST_SUITE_P(Commands, EveryCommand,
                         testing::Values("data", "train", "gate", "pack", "artifact", "eval",
                                         "curves", "sweep", "alternatives", "verdict", "report",
                                         "size", "study"));

TEST(CommandLine, HelpListsEveryCommandAndEveryExitCode) {
  const Outcome help = run_reprise("--help");
  EXPECT_EQ(help.code, 0);
  for (const char* command : {"data", "train", "gate", "pack", "artifact", "eval", "curves",
                              "sweep", "alternatives", "verdict", "report", "size", "study"})
    EXPECT_THAT(help.out, HasSubstr(concat("\n  ", command, " ")));
  for (const char* code : {"0 ", "1 ", "2 ", "3 ", "4 ", "5 ", "6 ", "75 "})
    EXPECT_THAT(help.out.substr(help.out.find("Exit codes")), HasSubstr(code));
}

TEST(CommandLine, VersionNamesTheLibraries) {
  const Outcome version = run_reprise("--version");
  EXPECT_EQ(version.code, 0);
  for (const char* library : {"libtorch", "MPI", "HDF5", "zstd", "Boost"})
    EXPECT_THAT(version.out, HasSubstr(library));
}

TEST(CommandLine, FailsWhereItsOutputDoesNotArrive) {
  const Outcome outcome = run_shell(reprise_line("--help") + " > /dev/full");
  expect_refusal(outcome, ExitCode::kFailure, "cannot write to the standard output");
}

TEST(CommandLine, RefusesNothingAndMisspeltCommands) {
  expect_refusal(run_reprise(""), ExitCode::kUsage, "no command given");
  expect_refusal(run_reprise("trian"), ExitCode::kUsage, "did you mean 'train'?");
  expect_refusal(run_reprise("tra"), ExitCode::kUsage, "unknown command 'tra'");
  expect_refusal(run_reprise("study rum"), ExitCode::kUsage, "did you mean 'run'?");
  expect_refusal(run_reprise("study"), ExitCode::kUsage, "plan, run or status");
  expect_refusal(run_reprise("study run --json"), ExitCode::kUsage, "--json is for plan");
}

TEST(CommandLine, RefusesAbbreviationsStrayWordsAndMissingValues) {
  expect_refusal(run_reprise("train --train.step 3"), ExitCode::kUsage,
                 "did you mean 'train.steps'");
  expect_refusal(run_reprise("train 3"), ExitCode::kUsage, "a stray word");
  expect_refusal(run_reprise("train --train.steps"), ExitCode::kUsage,
                 "'--train.steps' is missing");
  expect_refusal(run_reprise("train --train.steps many"), ExitCode::kUsage, "not a whole number");
  expect_refusal(run_reprise("train --config /nowhere.ini"), ExitCode::kBadInput, "/nowhere.ini");
}

TEST(CommandLine, RefusesALogLevelNobodyKnows) {
  const Outcome outcome = run_shell("REPRISE_LOG=loud " + reprise_line("train"));
  expect_refusal(outcome, ExitCode::kUsage, "REPRISE_LOG: 'loud' is none of");
}

TEST(Ranks, ThatFailAlikeSayItOnceAndEndWithTheirCode) {
  expect_refusal(run_on_ranks(3, "train --train.stepz 3"), ExitCode::kUsage, "train.steps");
  expect_refusal(run_on_ranks(2, "study plan"), ExitCode::kUsage, "a study starts mpirun itself");
}

TEST(Ranks, ThatFailAloneTakeTheOthersWithThem) {
  // The same words in two folders: what they name is not in the second.
  const TemporaryFolder here, there;
  write_file(here / "run.ini", "");
  const std::string line = reprise_line("eval --config run.ini");
  const std::string job =
      concat("mpirun -q --bind-to none --oversubscribe -n 1 --wdir ", here.path().string(), " ",
             line, " : -n 1 --wdir ", there.path().string(), " ", line);
  expect_refusal(run_shell(job), ExitCode::kBadInput, "reprise eval: rank 1: cannot open run.ini");
}

}  // namespace
}  // namespace reprise
