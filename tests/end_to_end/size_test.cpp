// reprise size: its table, the shape it solves for, and what it refuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/file.h"
#include "tests/end_to_end/program.h"
#include "tests/support/temporary_folder.h"

namespace reprise {
namespace {

using nlohmann::json;
using testing::HasSubstr;

/// Runs it with --size.out and gives that file.
json sized(const TemporaryFolder& folder, const std::string& words) {
  const auto out = folder / "size.json";
  const Outcome outcome = run_reprise(concat("size ", words, " --size.out ", out.string()));
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  const json record = json::parse(read_file(out));
  EXPECT_THAT(outcome.out, HasSubstr(concat(record.at("stored_bytes").get<int64_t>())));
  return record;
}

/// The public 16 MB baseline: 17,059,912 parameters, two for each of which, and attention, make its
/// operations.
TEST(Size, OfThePublicBaseline) {
  const TemporaryFolder folder;
  const json record = sized(
      folder,
      "--model.family static --model.prelude 0 --model.core 9 --model.coda 0 --model.passes 1 "
      "--model.width 512 --model.heads 8 --model.kv-heads 4 --model.skips true "
      "--model.context 1024");
  EXPECT_EQ(record["parameters"], 17'059'912);
  EXPECT_EQ(record["groups"]["embedding"]["parameters"], 1024 * 512);
  const double matrices = 9.0 * (2 * 512 * 512 + 2 * 256 * 512 + 4 * 512 * 512) + 1024 * 512;
  EXPECT_EQ(record["flops_per_token"]["base"], 2 * matrices + 9 * 4 * 512 * 512.5);
  EXPECT_EQ(record["kv_bytes_per_token"], 9 * 2 * 256 * 2);
}

TEST(Size, TakesTheFileThatTrainingTakes) {
  const TemporaryFolder folder;
  write_file(
      folder / "run.ini",
      "[model]\nwidth = 64\nprelude = 0\npasses = 6\n[train]\ncorpus = somewhere\nout = elsewhere\n"
      "sequences = 4\ngraph-passes = 2\n");
  const std::string config = concat("--config ", (folder / "run.ini").string());
  const json truncated = sized(folder, config);
  const json full = sized(folder, config + " --train.graph-passes 0");
  const auto peak = [](const json& record) {
    return record["training_bytes"]["peak"].get<double>();
  };
  EXPECT_LT(peak(truncated), 0.6 * peak(full));
  EXPECT_EQ(truncated["flops_per_token"]["training_forward"],
            full["flops_per_token"]["training_forward"]);
  EXPECT_LT(truncated["flops_per_token"]["training_backward"],
            full["flops_per_token"]["training_backward"]);
  EXPECT_EQ(sized(folder, config + " --train.precision fp32")["kv_bytes_per_token"],
            2 * full["kv_bytes_per_token"].get<int64_t>());
}

TEST(Size, SolvesForAnOptionThatFillsTheBytes) {
  const TemporaryFolder folder;
  const std::string solved = "--size.solve width --size.bytes 900000";
  const json record = sized(folder, solved);
  const json solution = record["solution"];
  EXPECT_EQ(solution["option"], "model.width");
  EXPECT_LE(solution["bytes"], 900'000);
  EXPECT_GT(solution["next_bytes"], 900'000);
  const std::string option = concat("--model.width ", solution["value"].get<int64_t>());
  EXPECT_TRUE(run_reprise("size " + solved).out.starts_with(option + "\n"));
  EXPECT_EQ(sized(folder, option)["stored_bytes"], solution["bytes"]);
  EXPECT_EQ(run_reprise("size --solve width --bytes 900000").out,
            run_reprise("size " + solved).out);
}

/// The last of four logits is for the record: backward goes through those of the passes alone.
TEST(Size, OfAnObjectiveThatReadsEveryPass) {
  const TemporaryFolder folder;
  const auto flops = [&](const std::string& words) {
    return sized(folder, words)["flops_per_token"];
  };
  const std::string halting = "--model.passes 4 --model.halting exit --train.objective ouro";
  const auto deep = flops("--model.passes 4 --train.objective deep-supervision"),
             ouro = flops(halting);
  EXPECT_EQ(ouro["training_again"], deep["training_again"]);
  EXPECT_NEAR(ouro["training_backward"].get<double>() / deep["training_backward"].get<double>(), 1,
              0.001);
}

/// The choice of tokens reads all predictions once more, the picked ones run a refinement pass.
TEST(Size, OfGatedRefinementCountsTheChoiceToo) {
  const TemporaryFolder folder;
  const json plain = sized(folder, "--train.objective final-only")["flops_per_token"];
  const json gated = sized(
      folder, "--train.objective gated-refinement --train.refine-share 0.25")["flops_per_token"];
  const double head = 2.0 * 1024 * 256;
  EXPECT_NEAR(
      gated["training_forward"].get<double>(),
      plain["training_forward"].get<double>() + head + 0.25 * plain["refinement"].get<double>(), 1);
}

/// Of drawn depths the deepest that is drawn, however many steps there are.
TEST(Size, OfDrawnDepthsIsThatOfTheDeepestStep) {
  const TemporaryFolder folder;
  const auto memory = [&](const std::string& words) {
    return sized(folder, "--model.passes 4 " + words)["training_bytes"];
  };
  const auto fixed = memory("");
  for (const int steps : {40, 41, 42})
    EXPECT_EQ(memory(concat("--train.depth uniform --train.steps ", steps)), fixed);
}

/// The shapes that stand beside the studies, one for each family, are of one size.
TEST(Size, OfEveryFamilysExampleIsTheSame) {
  const TemporaryFolder folder;
  int examples = 0;
  for (const auto& file : std::filesystem::directory_iterator(REPRISE_FAMILIES_DIR)) {
    SCOPED_TRACE(file.path().filename().string());
    const json record = sized(folder, "--config " + file.path().string());
    EXPECT_NEAR(record["stored_bytes"].get<double>() / 620'000, 1, 0.04);
    ++examples;
  }
  EXPECT_EQ(examples, 6);
}

TEST(Size, RefusesInOneLine) {
  expect_refusal(run_reprise("size --model.heads 3"), ExitCode::kUsage, "does not divide");
  expect_refusal(run_reprise("size --size.solve depth"), ExitCode::kUsage,
                 "is none of: none, width");
  expect_refusal(run_reprise("size --size.solve width"), ExitCode::kUsage, "size.bytes is 0");
  expect_refusal(run_reprise("size --size.solve experts --size.bytes 1000000"), ExitCode::kUsage,
                 "belongs to the moe family");
  expect_refusal(run_reprise("size --size.solve width --size.bytes 1000"),
                 ExitCode::kCapUnreachable, "no model.width fits 1000 bytes: the least, 8, takes");
  expect_refusal(run_reprise("size --size.out /"), ExitCode::kUsage, "--size.out");
}

}  // namespace
}  // namespace reprise
