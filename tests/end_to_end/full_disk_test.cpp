// A disk that is full: a real one, a tmpfs of a few pages, for every command that writes. Each says
// so in one line, leaves nothing half-written, and finishes once there is room.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/file.h"
#include "tests/end_to_end/program.h"
#include "tests/support/temporary_folder.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kModel =
    " --model.vocab 320 --model.width 32 --model.heads 2 --model.kv-heads 1 --model.context 64";

/// The road up to a report, on a disk with room; beside it a folder to mount small disks on.
class FullDisk : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TemporaryFolder>();
    make_folder(disk());
    if (apart().empty()) return;
    write_text(path("text"));
    for (const std::string& words :
         {data(path("corpus")), train(path("model")), pack(path("artifact")), eval(path("trace")),
          train(path("plain"), kStatic), pack(path("unshared"), "plain"),
          eval(path("other"), "unshared"), verdict(path("verdict.json"))}) {
      const Outcome outcome = run_reprise(words);
      ASSERT_EQ(outcome.code, 0) << outcome.err;
    }
  }
  static void TearDownTestSuite() { folder_.reset(); }
  void SetUp() override {
    ASSERT_FALSE(apart().empty()) << "no disk can be mounted here: run this as root, or where user "
                                     "namespaces are allowed";
  }

  static constexpr const char* kStatic =
      " --model.family static --model.passes 1 --train.objective final-only";

  static std::string path(const std::string& name) { return (*folder_ / name).string(); }
  static std::string disk() { return path("disk"); }
  /// What runs a command where disks can be mounted that nobody else sees: for users, and for root
  /// where user namespaces are not allowed; empty where neither works.
  static const std::string& apart() {
    static const std::string found = [] {
      for (const std::string words : {"unshare -rm ", "unshare -m "})
        if (run_shell(concat(words, "mount -t tmpfs none ", disk())).code == 0) return words;
      return std::string();
    }();
    return found;
  }

  static std::string data(const std::string& out) {
    return concat("data --data.source ", path("text"), " --data.vocab 320 --data.out ", out);
  }
  static std::string train(const std::string& out, const std::string& more = "", int steps = 4) {
    return concat("train", kModel, " --train.corpus ", path("corpus"), " --train.out ", out,
                  " --train.sequences 8 --train.threads 1 --train.steps ", steps, more);
  }
  static std::string pack(const std::string& out, const std::string& model = "model") {
    return concat("pack --pack.model ", path(model), " --pack.corpus ", path("corpus"),
                  " --pack.bytes 32000 --pack.out ", out);
  }
  static std::string eval(const std::string& out, const std::string& artifact = "artifact") {
    return concat("eval --eval.artifact ", path(artifact), " --eval.corpus ", path("corpus"),
                  " --eval.unit-tokens 512 --eval.segment-units 1 --eval.out ", out);
  }
  static std::string verdict(const std::string& out) {
    return concat("verdict --verdict.margin-bpb 0.1 --verdict.draws 200 --verdict.recurrent ",
                  path("trace/trace.h5"), " --verdict.static ", path("other/trace.h5"),
                  " --verdict.out ", out);
  }
  static std::string report(const std::string& out) {
    return concat("report --report.verdict ", path("verdict.json"), " --report.tokenizer ",
                  path("corpus/tokenizer.model"), " --report.out ", out);
  }

  /// Runs `line` on a disk of `room_kb`, then once more on one of many megabytes. What lies there
  /// after each is copied to "full" and "roomy".
  void run_on_small_disk(const std::string& line, int room_kb) {
    fs::remove_all(path("full"));
    fs::remove_all(path("roomy"));
    write_file(
        path("script"),
        concat("mount -t tmpfs -o size=", room_kb, "k none ", disk(), " || exit 99\n", line,
               "\ncode=$?\ncp -r ", disk(), " ", path("full"), "\nmount -o remount,size=64m ",
               disk(), " || exit 99\n( ", line, " ) >", path("again"), " 2>&1\necho $? >",
               path("code"), "\ncp -r ", disk(), " ", path("roomy"), "\nexit $code\n"));
    outcome_ = run_shell(concat(apart(), "sh ", path("script")));
  }

  void expect_one_line() {
    expect_refusal(outcome_, ExitCode::kFailure, "No space left on device");
    EXPECT_THAT(outcome_.err, HasSubstr(disk())) << "where?";
  }

  /// Files on the disk when the command had failed, "a/b/c" and so on.
  std::vector<std::string> left() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(path("full")))
      if (!entry.is_directory())
        names.push_back(entry.path().lexically_relative(path("full")).string());
    std::ranges::sort(names);
    return names;
  }

  void expect_finished_with_room() {
    EXPECT_EQ(read_file(path("code")), "0\n") << read_file(path("again"));
    for (const auto& entry : fs::recursive_directory_iterator(path("roomy"))) {
      EXPECT_THAT(entry.path().string(), Not(HasSubstr(".tmp")));
      EXPECT_THAT(entry.path().string(), Not(HasSubstr(".partial")));
    }
  }

  /// A file on the disk that has room now, and the same one made where there always was.
  void expect_same(const std::string& roomy, const std::string& whole) {
    EXPECT_EQ(read_file(path("roomy/" + roomy)), read_file(path(whole)));
  }

  Outcome outcome_;
  static std::unique_ptr<TemporaryFolder> folder_;
};

std::unique_ptr<TemporaryFolder> FullDisk::folder_;

TEST_F(FullDisk, OfACorpus) {
  run_on_small_disk(reprise_line(data(disk() + "/corpus")), 32);
  expect_one_line();
  EXPECT_THAT(left(), testing::IsEmpty());
  expect_finished_with_room();
  expect_same("corpus/index.h5", "corpus/index.h5");
}

TEST_F(FullDisk, OfAModelOnOneRankAndOnTwo) {
  for (const std::string& line :
       {reprise_line(train(disk() + "/model")), ranks_line(2, train(disk() + "/model"))}) {
    run_on_small_disk(line, 64);
    expect_one_line();
    EXPECT_THAT(left(), testing::ElementsAre("model/metrics.jsonl"));
    expect_finished_with_room();
    EXPECT_TRUE(fs::exists(path("roomy/model/train.json")));
  }
}

TEST_F(FullDisk, OfACheckpointIsOutlivedAndGoneOnFromOnceThereIsRoom) {
  const std::string words = train(disk() + "/model") + " --train.checkpoint-every 1";
  run_on_small_disk(reprise_line(words), 64);
  EXPECT_EQ(outcome_.code, 1);
  EXPECT_THAT(outcome_.err, HasSubstr("warning no checkpoint of step 1, the last one stays: "));
  EXPECT_THAT(outcome_.err, HasSubstr("\nreprise train: cannot write"));
  EXPECT_THAT(left(), testing::ElementsAre("model/metrics.jsonl"));
  expect_finished_with_room();
  expect_same("model/model.safetensors", "model/model.safetensors");
}

TEST_F(FullDisk, OfMetrics) {
  run_on_small_disk(reprise_line(train(disk() + "/model", "", 24)), 4);
  EXPECT_EQ(outcome_.code, 1) << "there is no room for the model either";
  EXPECT_THAT(outcome_.err, HasSubstr("model/metrics.jsonl, training goes on without: "));
  EXPECT_THAT(outcome_.err, HasSubstr("\nreprise train: cannot write"));
  expect_finished_with_room();
  const std::string metrics = read_file(path("roomy/model/metrics.jsonl"));
  EXPECT_EQ(std::ranges::count(metrics, '\n'), 24);
}

TEST_F(FullDisk, OfAnArtifact) {
  run_on_small_disk(reprise_line(pack(disk() + "/artifact")), 36);
  expect_one_line();
  EXPECT_THAT(left(), testing::IsEmpty());
  expect_finished_with_room();
  expect_same("artifact", "artifact");
}

TEST_F(FullDisk, OfATrace) {
  run_on_small_disk(ranks_line(2, eval(disk() + "/trace")), 300);
  expect_one_line();
  for (const std::string& name : left())
    EXPECT_THAT(name, testing::ContainsRegex("segments/(ledger|segment)")) << "half a trace";
  expect_finished_with_room();
  EXPECT_TRUE(fs::exists(path("roomy/trace/trace.h5")));
}

TEST_F(FullDisk, OfAVerdictAndAReport) {
  run_on_small_disk(reprise_line(verdict(disk() + "/verdict.json")), 4);
  expect_one_line();
  EXPECT_THAT(left(), testing::IsEmpty());
  expect_finished_with_room();
  run_on_small_disk(reprise_line(report(disk() + "/report.html")), 16);
  expect_one_line();
  EXPECT_THAT(left(), testing::IsEmpty());
  expect_finished_with_room();
  EXPECT_THAT(read_file(path("roomy/report.html")), testing::EndsWith("</html>\n"));
}

}  // namespace
}  // namespace reprise
