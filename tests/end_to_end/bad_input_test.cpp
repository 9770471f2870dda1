// Input that is not what it should be: one line, the README's exit code, nothing half-written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/file.h"
#include "base/file_lock.h"
#include "tests/end_to_end/program.h"
#include "tests/support/temporary_folder.h"

namespace reprise {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr const char* kModel =
    " --model.vocab 320 --model.width 32 --model.heads 2 --model.kv-heads 1 --model.context 64";

/// Where results would lie.
constexpr const char* kPlace = "place";
constexpr const char* kNew = "place/new";

/// A corpus and a model of a few steps, made once for all tests.
class BadInput : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TemporaryFolder>();
    write_text(path("text"));
    const Outcome data =
        run_reprise(concat("data --data.source ", path("text/one"), ",", path("text/two"),
                           " --data.vocab 320 --data.out ", path("corpus")));
    ASSERT_EQ(data.code, 0) << data.err;
    const Outcome train = run_reprise(concat("train", kModel, " --train.corpus ", path("corpus"),
                                             " --train.out ", path("model"), " --train.steps 2"));
    ASSERT_EQ(train.code, 0) << train.err;
    const Outcome pack = run_reprise(pack_words(32000, "artifact.reprise"));
    ASSERT_EQ(pack.code, 0) << pack.err;
  }
  static void TearDownTestSuite() { folder_.reset(); }

  static std::string path(const std::string& name) { return (*folder_ / name).string(); }
  static std::string pack_words(int64_t bytes, const std::string& out,
                                const std::string& model = "model") {
    return concat("pack --pack.model ", path(model), " --pack.corpus ", path("corpus"),
                  " --pack.bytes ", bytes, " --pack.out ", path(out));
  }
  static std::string data_words(const std::string& source, const std::string& more = "") {
    return concat("data --data.vocab 320 --data.source ", path(source), " --data.out ", path(kNew),
                  more);
  }
  static std::string train_words(const std::string& corpus, const std::string& more = "") {
    return concat("train", kModel, " --train.corpus ", path(corpus), " --train.out ", path(kNew),
                  " --train.steps 2", more);
  }
  static std::string eval_words(const std::string& artifact) {
    return concat("eval --eval.artifact ", path(artifact), " --eval.corpus ", path("corpus"),
                  " --eval.out ", path(kNew));
  }

  /// A copy of the corpus or model, to be spoilt.
  static std::string copy_of(const std::string& name) {
    fs::remove_all(path("copy"));
    fs::copy(path(name), path("copy"), fs::copy_options::recursive);
    return path("copy");
  }

  /// Where the result was to be, in a folder of its own, lies nothing: no result, part of one, lock
  /// or folder.
  static void expect_nothing_written() {
    if (!fs::exists(path(kPlace))) return;
    ADD_FAILURE() << "left behind: " << path(kPlace);
    for (const auto& entry : fs::recursive_directory_iterator(path(kPlace)))
      ADD_FAILURE() << "left behind: " << entry.path();
    fs::remove_all(path(kPlace));
  }

  static std::unique_ptr<TemporaryFolder> folder_;
};

std::unique_ptr<TemporaryFolder> BadInput::folder_;

/// The only file in `folder` whose name ends with `ending`, or the first of several.
fs::path file_in(const fs::path& folder, const std::string& ending) {
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.path().string().ends_with(ending)) return entry.path();
  ADD_FAILURE() << "no " << ending << " in " << folder;
  return folder;
}

TEST_F(BadInput, TextThatIsMissingEmptyOrNotText) {
  expect_refusal(run_reprise(data_words("nothing")), ExitCode::kBadInput, "nothing");
  make_folder(path("empty"));
  expect_refusal(run_reprise(data_words("empty")), ExitCode::kBadInput, "empty");
  make_folder(path("latin"));
  write_file(path("latin/a.txt"), "caf\xe9 au lait");
  expect_refusal(run_reprise(data_words("latin")), ExitCode::kBadInput, "not UTF-8 at byte 3");
  make_folder(path("lines"));
  write_file(path("lines/a.jsonl"), "{\"text\": \"one\"}\n{\"text\": \"two\"\n");
  expect_refusal(run_reprise(data_words("lines")), ExitCode::kBadInput, "line 2");
  expect_nothing_written();
}

TEST_F(BadInput, ACorpusTooSmallToSplit) {
  make_folder(path("one"));
  write_file(path("one/a.txt"), "a lone document\n");
  expect_refusal(run_reprise(data_words("one")), ExitCode::kBadInput, "too small");
  expect_nothing_written();
}

TEST_F(BadInput, AShardWithAWrongHeaderOrCutShort) {
  make_folder(path("shards"));
  write_file(path("shards/a.bin"), std::string(2048, 'x'));
  expect_refusal(run_reprise(data_words(
                     "shards", concat(" --data.tokenizer ", path("corpus/tokenizer.model")))),
                 ExitCode::kBadInput, "a.bin");
  const std::string corpus = copy_of("corpus");
  fs::resize_file(file_in(corpus, ".bin"), 1500);
  expect_refusal(run_reprise(train_words("copy")), ExitCode::kBadInput, ".bin");
  expect_nothing_written();
}

TEST_F(BadInput, AShardThatOnlyAnotherRankReads) {
  const Outcome data =
      run_reprise(concat("data --data.source ", path("text/one"), ",", path("text/two"),
                         " --data.vocab 320 --data.shard-tokens 2000 --data.out ", path("many")));
  ASSERT_EQ(data.code, 0) << data.err;
  for (const char* split : {"train", "valid", "test"}) {
    const std::string shard = path(concat("many/", split, "_000001.bin"));
    std::string bytes = read_file(shard);
    bytes[1100] = static_cast<char>(bytes[1100] ^ 1);
    write_file(shard, bytes);
  }
  const std::string many = path("many"), place = path(kNew);
  for (const auto& [words, shard] : std::vector<std::pair<std::string, const char*>>{
           {train_words("many"), "train_000001.bin"},
           {concat("pack --pack.bytes 32000 --pack.model ", path("model"), " --pack.corpus ", many,
                   " --pack.out ", place),
            "valid_000001.bin"},
           {concat("eval --eval.artifact ", path("artifact.reprise"), " --eval.corpus ", many,
                   " --eval.out ", place),
            "test_000001.bin"}}) {
    SCOPED_TRACE(words);
    expect_refusal(run_on_ranks(2, words), ExitCode::kBadInput, shard);
    expect_nothing_written();
  }
}

TEST_F(BadInput, ACorpusOrModelThatIsNotThere) {
  expect_refusal(run_reprise(train_words("nothing")), ExitCode::kBadInput, "nothing");
  expect_refusal(run_on_ranks(2, train_words("nothing")), ExitCode::kBadInput, "nothing");
  expect_refusal(run_reprise(eval_words("nothing")), ExitCode::kBadInput, "nothing");
  expect_refusal(run_reprise(pack_words(32000, kNew, "nothing")), ExitCode::kBadInput, "nothing");
  expect_nothing_written();
}

TEST_F(BadInput, AModelThatContradictsItselfOrItsCorpus) {
  expect_refusal(run_reprise(train_words("corpus", " --model.passes 0")), ExitCode::kUsage,
                 "passes");
  expect_nothing_written();
}

TEST_F(BadInput, ACheckpointOfAnotherConfiguration) {
  const std::string model = copy_of("model");
  expect_refusal(run_reprise(concat("train", kModel, " --train.corpus ", path("corpus"),
                                    " --train.out ", model, " --train.steps 2 --train.seed 9")),
                 ExitCode::kBadInput, "copy");
}

TEST_F(BadInput, AByteTargetThatCannotBeReached) {
  const Outcome small = run_reprise(pack_words(2000, kNew));
  expect_refusal(small, ExitCode::kCapUnreachable, "width");
  // Less than the file takes without a weight.
  expect_refusal(run_reprise(pack_words(100, kNew)), ExitCode::kCapUnreachable, "does not fit");
  const Outcome large = run_reprise(pack_words(2'000'000, kNew));
  expect_refusal(large, ExitCode::kCapUnreachable, "width");
  expect_nothing_written();
}

TEST_F(BadInput, AnArtifactThatWasCutOrChanged) {
  std::string bytes = read_file(path("artifact.reprise"));
  write_file(path("short.reprise"), bytes.substr(0, bytes.size() / 2));
  expect_refusal(run_reprise(eval_words("short.reprise")), ExitCode::kBadInput, "short.reprise");
  expect_refusal(run_reprise("artifact show --artifact.file " + path("short.reprise")),
                 ExitCode::kBadInput, "short.reprise");
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  write_file(path("flipped.reprise"), bytes);
  expect_refusal(run_on_ranks(2, eval_words("flipped.reprise")), ExitCode::kBadInput,
                 "flipped.reprise");
  write_file(path("text.reprise"), "this is no artifact");
  expect_refusal(run_reprise(eval_words("text.reprise")), ExitCode::kBadInput, "text.reprise");
  expect_nothing_written();
}

TEST_F(BadInput, TracesAndVerdictsThatAreNotThere) {
  expect_refusal(
      run_reprise(concat("verdict --verdict.margin-bpb 0.1 --verdict.recurrent ", path("no.h5"),
                         " --verdict.static ", path("no.h5"), " --verdict.out ", path(kNew))),
      ExitCode::kBadInput, "no.h5");
  expect_refusal(run_reprise(concat("curves --curves.valid ", path("no.h5"), " --curves.test ",
                                    path("no.h5"), " --curves.out ", path(kNew))),
                 ExitCode::kBadInput, "no.h5");
  expect_refusal(run_reprise(concat("alternatives --alternatives.artifact ", path("no.reprise"),
                                    " --alternatives.corpus ", path("corpus"),
                                    " --alternatives.out ", path(kNew))),
                 ExitCode::kBadInput, "no.reprise");
  expect_refusal(run_reprise(concat("report --report.verdict ", path("no.json"), " --report.out ",
                                    path(kNew))),
                 ExitCode::kBadInput, "no.json");
  expect_nothing_written();
}

TEST_F(BadInput, AnOutputThatWouldReplaceADeviceAFolderOrWhatIsRead) {
  const std::string artifact = path("artifact.reprise"), corpus = path("corpus");
  const auto eval_to = [&](const std::string& out) {
    return concat("eval --eval.artifact ", artifact, " --eval.corpus ", corpus, " --eval.out ",
                  out);
  };
  const auto train_to = [&](const std::string& out) {
    return concat("train", kModel, " --train.corpus ", corpus, " --train.steps 2 --train.out ",
                  out);
  };
  const std::string verdict = concat("verdict --verdict.margin-bpb 0.1 --verdict.recurrent ",
                                     artifact, " --verdict.static ", artifact, " --verdict.out ");
  const std::string report = concat("report --report.verdict ", artifact, " --report.out ");
  write_file(path("file"), "-");
  const std::string before = read_file(artifact);
  for (const std::string& words :
       {pack_words(32000, "model/model.safetensors"), pack_words(32000, "corpus"),
        pack_words(32000, "place/new/"), pack_words(32000, "file/new"), eval_to(artifact),
        eval_to(corpus), eval_to("/dev/null"), train_to(artifact), train_to(corpus + "/new"),
        verdict + artifact, verdict + "/dev/null", verdict + path("file/new"), report + artifact,
        report + path("./artifact.reprise"), report + corpus,
        concat("data --data.vocab 320 --data.source ", path("text"), " --data.out ", artifact)}) {
    SCOPED_TRACE(words);
    expect_refusal(run_reprise(words), ExitCode::kUsage, "name another place");
    EXPECT_EQ(read_file(artifact), before);
  }
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  expect_nothing_written();
}

TEST_F(BadInput, APlaceWhereAnotherRunIsAtWork) {
  {
    const FileLock trace = lock_folder(path("held")), artifact = lock_output(path(kNew));
    const std::string holder = concat("another run (process ", getpid());
    expect_refusal(
        run_on_ranks(2, concat("eval --eval.artifact ", path("artifact.reprise"), " --eval.corpus ",
                               path("corpus"), " --eval.out ", path("held"))),
        ExitCode::kFailure, holder);
    expect_refusal(run_on_ranks(2, pack_words(32000, kNew)), ExitCode::kFailure, holder);
  }
  EXPECT_FALSE(fs::exists(path("held")));
  expect_nothing_written();
}

TEST_F(BadInput, ARecordOfAModelWithAWrongType) {
  const std::string model = copy_of("model");
  write_file(fs::path(model) / "train.json", "{\"format\": 1}");
  expect_refusal(run_reprise(pack_words(32000, kNew, "copy")), ExitCode::kBadInput,
                 "train.json: not the record");
  expect_nothing_written();
}

/// One rank with each of two lines of words, in a folder of its own.
Outcome run_two_ranks(const std::string& first, const std::string& second,
                      const std::array<std::string, 2>& folders = {"/", "/"}) {
  return run_shell(concat("timeout 60 mpirun -q --bind-to none --oversubscribe -n 1 --wdir ",
                          folders[0], " ", reprise_line(first), " : -n 1 --wdir ", folders[1], " ",
                          reprise_line(second)));
}

TEST_F(BadInput, RanksWithOtherWords) {
  const std::string pack = pack_words(32000, kNew);
  for (const auto& other : {concat(pack, " --pack.refine-share 0"), concat(pack, " --help"),
                            train_words("corpus"), std::string("--version"), std::string()}) {
    SCOPED_TRACE(other);
    const Outcome outcome = run_two_ranks(pack, other);
    expect_refusal(outcome, ExitCode::kUsage, "ranks disagree about the command line");
    EXPECT_EQ(outcome.out, "");
    expect_nothing_written();
  }
}

TEST_F(BadInput, RanksWithTheSameWordsThatReadOtherConfigurations) {
  const std::array<std::string, 2> folders{path("rank_0"), path("rank_1")};
  const std::vector<std::pair<std::string, std::string>> commands{
      {train_words("corpus"), "train.seed"},
      {data_words("text/one"), "data.max-bytes"},
      {pack_words(32000, kNew), "pack.threads"},
      {eval_words("artifact.reprise"), "eval.seed"},
      {"curves", "curves.draws"},
      {"alternatives", "alternatives.draws"},
      {"sweep", "sweep.draws"},
      {"verdict", "verdict.draws"},
      {"report", "report.documents"}};
  for (const auto& [words, option] : commands) {
    SCOPED_TRACE(words);
    const size_t dot = option.find('.');
    for (const size_t rank : {0u, 1u}) {
      make_folder(folders[rank]);
      write_file(fs::path(folders[rank]) / "run.ini",
                 concat("[", option.substr(0, dot), "]\n", option.substr(dot + 1), " = ",
                        100 + rank, "\n"));
    }
    const std::string line = words + " --config run.ini";
    expect_refusal(run_two_ranks(line, line, folders), ExitCode::kUsage, "ranks disagree about ");
    expect_nothing_written();
  }
}

TEST_F(BadInput, ARankThatThrowsEndsTheJobAndLeavesNoModel) {
  const std::array<std::string, 2> folders{path("here"), path("there")};
  for (const auto& folder : folders) make_folder(folder);
  fs::create_directory_symlink(path("corpus"), fs::path(folders[0]) / "local");
  const std::string words =
      concat("train", kModel, " --train.corpus local --train.out ", path(kNew), " --train.steps 2");
  const Outcome outcome = run_two_ranks(words, words, folders);
  expect_refusal(outcome, ExitCode::kBadInput, "rank 1: local");
  expect_nothing_written();
}

}  // namespace
}  // namespace reprise
