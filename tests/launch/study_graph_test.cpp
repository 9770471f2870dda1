// The graph: which runs a study takes, what each reads, and what a change makes run again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/file.h"
#include "launch/study/graph.h"
#include "tests/support/temporary_folder.h"

namespace reprise {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsSupersetOf;

Study make_study() {
  Study study;
  study.options.contrast = {"looped", "plain"};
  study.options.seeds = {"1", "2"};
  study.options.ranks = 2;
  for (const char* arm : {"looped", "plain", "other"})
    study.arms.push_back({arm,
                          {{"model", {{"width", 64}}},
                           {"train", {{"steps", 10}, {"seed", 1}, {"corpus", ""}}},
                           {"pack", {{"bytes", 1000}}},
                           {"use", {{"tokens", 4096}}},
                           {"eval", {{"stride", 8}, {"split", "test"}}}}});
  study.shared = {
      {"data", {{"vocab", 512}}}, {"verdict", json::object()}, {"report", json::object()}};
  return study;
}

const Node& node_of(const Graph& graph, std::string_view name) {
  for (const auto& node : graph.nodes)
    if (node.name == name) return node;
  throw Error(ExitCode::kFailure, concat("no node ", name));
}

/// Names of the nodes whose key is not the same in both.
std::vector<std::string> changed(const Graph& before, const Graph& after) {
  std::vector<std::string> names;
  for (const auto& node : after.nodes)
    if (node.key != node_of(before, node.name).key) names.push_back(node.name);
  return names;
}

TEST(StudyGraph, HasARunForEveryStageArmAndSeedInAnOrderThatCanRun) {
  const Graph graph = build_graph(make_study(), "text");
  EXPECT_EQ(graph.nodes.size(), 1 + 3 * 2 * 3 + 2u);
  EXPECT_EQ(graph.nodes.front().name, "data");
  EXPECT_EQ(graph.nodes.back().name, "report");
  for (size_t i = 0; i < graph.nodes.size(); ++i)
    for (const auto& input : graph.nodes[i].inputs) EXPECT_LT(input.node, i);
}

TEST(StudyGraph, AnArmStartsFromTheModelOfAnotherWithItsSeed) {
  Study study = make_study();
  const Graph before = build_graph(study, "text");
  study.arms[2].options["train"]["start-from"] = "plain";
  const Graph graph = build_graph(study, "text");
  const Node& train = node_of(graph, "train.other.2");
  ASSERT_EQ(train.inputs.size(), 2u);
  EXPECT_EQ(train.inputs[1].option, "train.start-from");
  EXPECT_EQ(graph.nodes[train.inputs[1].node].name, "train.plain.2");
  study.arms[1].options["train"]["steps"] = 11;
  EXPECT_THAT(changed(graph, build_graph(study, "text")),
              IsSupersetOf({"train.plain.1", "train.other.1", "eval.other.2"}))
      << "what an arm starts from is part of its key";
}

TEST(StudyGraph, ThePackingsKeyHoldsTheContentsOfTheDecodersCodeAndNotItsPath) {
  const TemporaryFolder folder;
  Study study = make_study();
  const auto with_code = [&](const char* name, const char* contents) {
    write_file(folder / name, contents);
    study.arms[1].options["pack"]["code"] = (folder / name).string();
    return build_graph(study, "text");
  };
  const Graph before = with_code("one.py", "def decode(): pass");
  EXPECT_THAT(changed(before, with_code("other.py", "def decode(): pass")), testing::IsEmpty());
  EXPECT_THAT(changed(before, with_code("one.py", "def decode(): ...")),
              ElementsAre("pack.plain.1", "eval.plain.1", "pack.plain.2", "eval.plain.2", "verdict",
                          "report"));
  EXPECT_THAT(config_text(before, node_of(before, "pack.plain.1"), "out"),
              HasSubstr((folder / "one.py").string()));
}

TEST(StudyGraph, TrainsAndScoresOnAllRanksAndTheRestOnOneWithAllThreads) {
  Study study = make_study();
  study.options.threads = 3;
  const Graph graph = build_graph(study, "text");
  for (const char* name : {"train.looped.1", "pack.other.2", "eval.plain.2"}) {
    EXPECT_EQ(node_of(graph, name).ranks, 2);
    EXPECT_EQ(node_of(graph, name).threads, 3);
  }
  for (const char* name : {"data", "verdict", "report"}) {
    EXPECT_EQ(node_of(graph, name).ranks, 1);
    EXPECT_EQ(node_of(graph, name).threads, 6);
  }
}

TEST(StudyGraph, TheVerdictReadsTheContrastSeedBySeed) {
  const Graph graph = build_graph(make_study(), "text");
  std::vector<std::string> read;
  for (const auto& input : node_of(graph, "verdict").inputs)
    read.push_back(concat(input.option, " ", graph.nodes[input.node].name));
  EXPECT_THAT(read,
              ElementsAre("verdict.recurrent eval.looped.1", "verdict.recurrent eval.looped.2",
                          "verdict.static eval.plain.1", "verdict.static eval.plain.2"));
}

TEST(StudyGraph, AChangeRunsAgainWhatItReachesAndNothingElse) {
  const Study study = make_study();
  const Graph before = build_graph(study, "text");
  Study other = study;
  other.arms[2].options["pack"]["bytes"] = 2000;
  EXPECT_THAT(
      changed(before, build_graph(other, "text")),
      ElementsAre("pack.other.1", "eval.other.1", "pack.other.2", "eval.other.2", "report"));
  other = study;
  other.arms[2].options["use"]["tokens"] = 8192;
  EXPECT_THAT(
      changed(before, build_graph(other, "text")),
      ElementsAre("pack.other.1", "eval.other.1", "pack.other.2", "eval.other.2", "report"));
  other = study;
  other.file_digest = "another";
  EXPECT_THAT(changed(before, build_graph(other, "text")), ElementsAre("verdict", "report"));
  EXPECT_EQ(changed(before, build_graph(study, "new text")).size(), before.nodes.size());
}

TEST(StudyGraph, TheGateIsSetOnTextCutAsItWillBeScored) {
  const Study study = make_study();
  const Graph before = build_graph(study, "text");
  EXPECT_EQ(node_of(before, "pack.looped.1").options["eval"], json({{"stride", 8}}));
  Study other = study;
  other.arms[2].options["eval"]["split"] = "valid";
  EXPECT_THAT(changed(before, build_graph(other, "text")),
              ElementsAre("eval.other.1", "eval.other.2"));
  other.arms[2].options["eval"]["stride"] = 4;
  EXPECT_THAT(
      changed(before, build_graph(other, "text")),
      ElementsAre("pack.other.1", "eval.other.1", "pack.other.2", "eval.other.2", "report"));
}

TEST(StudyGraph, RanksAndTheStudysPlaceChangeNoKey) {
  Study study = make_study();
  const Graph before = build_graph(study, "text");
  study.options.ranks = 4;
  study.options.out = "elsewhere";
  EXPECT_TRUE(changed(before, build_graph(study, "text")).empty());
}

TEST(StudyGraph, WhereTextTokenizerAndStudyFileLieChangesNoKey) {
  Study study = make_study();
  const Graph before = build_graph(study, "text");
  study.shared["data"]["source"] = {"elsewhere/text/"};
  study.shared["data"]["tokenizer"] = "elsewhere/tokenizer.model";
  study.shared["verdict"]["study"] = "./study.ini";
  const Graph after = build_graph(study, "text");
  EXPECT_TRUE(changed(before, after).empty());
  EXPECT_THAT(config_text(after, after.nodes[0], "out"), HasSubstr("source = elsewhere/text/\n"));
  study.shared["data"]["vocab"] = 1024;
  EXPECT_FALSE(changed(before, build_graph(study, "text")).empty());
}

TEST(StudyGraph, ACorpusThatIsThereIsLookedAtNotRemoved) {
  const Graph graph = build_graph(make_study(), "text");
  EXPECT_TRUE(graph.nodes[0].continues);
}

TEST(StudyGraph, SeedsDiffer) {
  const Graph graph = build_graph(make_study(), "text");
  EXPECT_NE(node_of(graph, "train.looped.1").key, node_of(graph, "train.looped.2").key);
  EXPECT_EQ(node_of(graph, "train.looped.2").options["train"]["seed"], 2);
}

TEST(StudyGraph, ConfigurationsNameFilesInTheStudysFolder) {
  const Graph graph = build_graph(make_study(), "text");
  const Node& train = node_of(graph, "train.looped.1");
  const std::string text = config_text(graph, train, "runs/x");
  EXPECT_THAT(text, HasSubstr("[model]\nwidth = 64\n"));
  EXPECT_THAT(text,
              HasSubstr(concat("corpus = runs/x/", graph.nodes[0].folder().string(), "/corpus\n")));
  EXPECT_THAT(text, HasSubstr(concat("out = runs/x/", train.folder().string(), "/model\n")));
  const std::string report = config_text(graph, node_of(graph, "report"), "runs/x");
  EXPECT_THAT(report, HasSubstr("metrics = looped.1=runs/x/train.looped.1-"));
  EXPECT_THAT(report, HasSubstr(",looped.2=runs/x/train.looped.2-"));
}

TEST(StudyGraph, RefusesAPathThatAConfigurationFileCannotHold) {
  const Graph graph = build_graph(make_study(), "text");
  EXPECT_THROW(config_text(graph, graph.nodes[0], "runs/#1"), Error);
  EXPECT_THROW(config_text(graph, graph.nodes[0], "runs/a,b"), Error);
}

TEST(StudyGraph, EveryFileThatIsReadIsAnOutputOfTheRunThatWritesIt) {
  const Graph graph = build_graph(make_study(), "text");
  for (const auto& node : graph.nodes)
    for (const auto& input : node.inputs) {
      const auto& outputs = graph.nodes[input.node].outputs;
      EXPECT_TRUE(std::ranges::any_of(outputs,
                                      [&](const Output& output) {
                                        return input.file == output.file ||
                                               input.file.starts_with(output.file + "/");
                                      }))
          << node.name << " reads " << input.file;
    }
}

}  // namespace
}  // namespace reprise
