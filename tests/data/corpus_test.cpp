#include "data/corpus.h"

#include <gmock/gmock.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <map>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/file_lock.h"
#include "data/build.h"
#include "data/folder.h"
#include "data/index.h"
#include "data/shard.h"
#include "tests/data/samples.h"
#include "tests/support/temporary_folder.h"

namespace reprise {
namespace {
namespace fs = std::filesystem;
using nlohmann::json;
using testing::AnyOf;
using testing::HasSubstr;

std::map<std::string, std::string> files_of(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::directory_iterator(folder))
    files[entry.path().filename().string()] = read_file(entry.path());
  return files;
}

class CorpusTest : public testing::Test {
 protected:
  CorpusTest() { write_samples(source(), kDocuments); }
  static constexpr int64_t kDocuments = 60;
  fs::path source() const { return folder_ / "source"; }
  fs::path out() const { return folder_ / "corpus"; }
  DataOptions options() const { return small_options(source(), out()); }
  TemporaryFolder folder_;
};

TEST_F(CorpusTest, EveryDocumentComesBackAsItWas) {
  auto small_shards = options();
  small_shards.shard_tokens = 300;  // so that streams cross shards
  const json manifest = build_corpus(small_shards, {{"data", "config"}});
  const Corpus corpus(out());
  std::map<std::string, std::string> expected;
  for (uint64_t i = 0; i < kDocuments; ++i)
    expected[to_hex(sha256(sample_text(i)))] = sample_text(i);
  for (const Split split : kSplits) {
    const json& counts = manifest["splits"][std::string(enum_name(split))];
    EXPECT_EQ(counts["tokens"], corpus.tokens(split));
    EXPECT_EQ(counts["documents"], corpus.documents(split).size());
    EXPECT_EQ(counts["sha256"], corpus.digest(split));
    for (const auto& document : corpus.documents(split)) {
      std::vector<Token> tokens(static_cast<size_t>(document.tokens));
      corpus.read(split, document.first_token, tokens);
      EXPECT_EQ(tokens[0], kBeginOfDocument);
      const std::string text = corpus.tokenizer().decode(std::span<const Token>(tokens).subspan(1));
      EXPECT_EQ(text, expected[to_hex(document.hash)]);
      EXPECT_EQ(document.bytes.value, static_cast<int64_t>(text.size()));
      EXPECT_EQ(corpus.domains()[static_cast<size_t>(document.domain)], "source");
      expected.erase(to_hex(document.hash));
    }
  }
  EXPECT_TRUE(expected.empty());
  EXPECT_GT(manifest["splits"]["train"]["shards"], 3);
  EXPECT_EQ(manifest["documents"]["changed_bytes"], 0);
  EXPECT_EQ(json::parse(read_file(out() / "corpus.json")), manifest);
}

TEST_F(CorpusTest, ReadsAcrossShardsAsOneStream) {
  build_corpus(options(), {});
  const Corpus whole(out());
  auto small_shards = options();
  small_shards.shard_tokens = 200;
  small_shards.out = (folder_ / "small").string();
  build_corpus(small_shards, {});
  const Corpus parts(folder_ / "small");
  const int64_t tokens = whole.tokens(Split::kTrain);
  ASSERT_EQ(parts.tokens(Split::kTrain), tokens);
  for (const int64_t first : {int64_t{0}, int64_t{1}, tokens / 3, tokens - 777}) {
    std::vector<Token> a(777), b(777);
    whole.read(Split::kTrain, first, a);
    parts.read(Split::kTrain, first, b);
    EXPECT_EQ(a, b);
  }
  std::vector<Token> two(2);
  EXPECT_THAT(error_of(ExitCode::kBadInput, [&] { parts.read(Split::kTrain, tokens - 1, two); }),
              HasSubstr("wanted of"));
}

TEST_F(CorpusTest, CountsTheTrainTokens) {
  build_corpus(options(), {});
  const Corpus corpus(out());
  std::vector<Token> tokens(static_cast<size_t>(corpus.tokens(Split::kTrain)));
  corpus.read(Split::kTrain, 0, tokens);
  std::vector<int64_t> counts(static_cast<size_t>(corpus.tokenizer().vocab()));
  for (const Token token : tokens) ++counts[token];
  EXPECT_EQ(corpus.train_counts(), counts);
}

TEST_F(CorpusTest, TheSameRunGivesTheSameBytesAndReplacesADamagedCorpus) {
  build_corpus(options(), {{"seed", 1}});
  const auto first = files_of(out());
  fs::remove(out() / "train_000000.bin");
  build_corpus(options(), {{"seed", 1}});
  EXPECT_EQ(files_of(out()), first);
  EXPECT_EQ(files_of(folder_.path() / "source").size(), size_t{kDocuments});
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator()), 2)
      << "no partial folder";
}

TEST_F(CorpusTest, ACorpusWithoutAReadableManifestIsMadeAgain) {
  build_corpus(options(), {});
  const auto whole = files_of(out());
  for (const std::string& manifest : {std::string(), whole.at("corpus.json").substr(0, 100)}) {
    write_file(out() / "corpus.json", manifest);
    build_corpus(options(), {});
    EXPECT_EQ(files_of(out()), whole);
  }
  fs::remove(out() / "corpus.json");
  build_corpus(options(), {});
  EXPECT_EQ(files_of(out()), whole);

  json wrong = json::parse(whole.at("corpus.json"));
  wrong["tokenizer_sha256"] = 5;
  write_file(out() / "corpus.json", wrong.dump());
  EXPECT_THAT(error_of(ExitCode::kBadInput, [&] { Corpus{out()}; }), HasSubstr("tokenizer.model"));
  build_corpus(options(), {});
  EXPECT_EQ(files_of(out()), whole);
}

TEST_F(CorpusTest, ADamagedCorpusWithSomethingElseInItsFolderIsNotReplaced) {
  build_corpus(options(), {});
  write_file(out() / "NOTE", "mine");
  fs::remove(out() / "train_000000.bin");
  EXPECT_THAT(error_of(ExitCode::kUsage, [&] { build_corpus(options(), {}); }),
              HasSubstr("NOTE would be removed"));
  EXPECT_EQ(read_file(out() / "NOTE"), "mine");
  fs::rename(out() / "NOTE", folder_ / "NOTE");
  build_corpus(options(), {});
  EXPECT_TRUE(fs::exists(out() / "train_000000.bin"));
}

/// From here on this process's kernel knows plain renames only.
void forget_flags_of_renames() {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_renameat2, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[4])),  // its low half
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog filter{std::size(program), program};
  ASSERT_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
  ASSERT_EQ(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), 0);
}

TEST_F(CorpusTest, IsPutInItsPlaceWhereTheFileSystemKnowsPlainRenamesOnly) {
  const pid_t child = fork();
  if (child == 0) {
    forget_flags_of_renames();
    replace_folder(folder_ / "new", [](const fs::path& at) { write_file(at / "a", "new"); });
    replace_folder(folder_ / "new", [](const fs::path& at) { write_file(at / "b", "newer"); });
    _exit(testing::Test::HasFailure());
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(files_of(folder_ / "new"), (std::map<std::string, std::string>{{"b", "newer"}}));
  EXPECT_FALSE(fs::exists(folder_ / "new.replaced"));
  EXPECT_FALSE(fs::exists(folder_ / "new.partial"));
}

TEST_F(CorpusTest, ACorpusThatIsThereIsNotMadeAgain) {
  const json config{{"data", {{"vocab", 300}, {"out", out().string()}}}};
  const json manifest = build_corpus(options(), config);
  write_file(out() / "stray", "nobody's");
  json elsewhere = config;
  elsewhere["data"]["out"] = "the same folder by another name";
  EXPECT_EQ(build_corpus(options(), elsewhere), manifest);
  EXPECT_TRUE(fs::exists(out() / "stray"));
}

TEST_F(CorpusTest, ACorpusOfOtherOptionsOrTextIsNotReplaced) {
  build_corpus(options(), {{"data", {{"vocab", 300}}}});
  const auto before = files_of(out());
  const auto message = [&](int64_t vocab) {
    return error_of(ExitCode::kUsage, [&] {
      build_corpus(options(), {{"data", {{"vocab", vocab}}}});
    });
  };
  EXPECT_THAT(message(301), HasSubstr("made with other options"));
  write_file(source() / "one more.txt", "a text that was not there");
  EXPECT_THAT(message(300), HasSubstr("made from other text"));
  EXPECT_EQ(files_of(out()), before);
}

TEST_F(CorpusTest, IsMadeByOneRunAtATime) {
  const FileLock other = lock_output(out());
  EXPECT_THAT(error_of(ExitCode::kFailure, [&] { build_corpus(options(), {}); }),
              HasSubstr(concat("another run (process ", getpid())));
  EXPECT_FALSE(fs::exists(out()));
}

TEST_F(CorpusTest, LiesApartFromItsText) {
  auto inside = options();
  inside.source = {"name:" + source().string()};
  inside.out = (source() / "deep/corpus").string();
  const auto message = [&] {
    return error_of(ExitCode::kUsage, [&] { build_corpus(inside, {}); });
  };
  EXPECT_THAT(message(), HasSubstr("one within the other"));
  EXPECT_FALSE(fs::exists(source() / "deep"));
  inside.out = (folder_ / "source2").string();
  EXPECT_EQ(message(), "no error") << "a neighbour whose name starts alike";
  inside.source = {(folder_ / "source2/train_000000.bin").string()};
  EXPECT_THAT(message(), HasSubstr("one within the other"));
}

TEST_F(CorpusTest, AModelThatIsGivenIsKeptAndShardsReadBack) {
  write_file(folder_ / "given.model", sample_tokenizer().model_bytes());
  auto given = options();
  given.tokenizer = (folder_ / "given.model").string();
  build_corpus(given, {});
  const Corpus corpus(out());
  EXPECT_EQ(corpus.tokenizer().digest(), sample_tokenizer().digest());

  auto again = given;
  again.source = {(out() / "train_000000.bin").string()};
  again.out = (folder_ / "again").string();
  again.valid_share = again.test_share = 0;  // texts of the train split hash into it again
  build_corpus(again, {});
  const Corpus copy(folder_ / "again");
  size_t documents = 0;
  for (const Split split : kSplits) documents += copy.documents(split).size();
  EXPECT_EQ(documents, corpus.documents(Split::kTrain).size());
}

TEST_F(CorpusTest, ADamagedOneIsMadeAgainAndOneOfAnotherSchemaRefused) {
  build_corpus(options(), {});
  const auto whole = files_of(out());
  std::string shard = whole.at("train_000000.bin");
  std::swap(shard[1024 + 2 * 20], shard[1024 + 2 * 30]);
  ASSERT_NE(shard, whole.at("train_000000.bin"));
  write_file(out() / "train_000000.bin", shard);
  build_corpus(options(), {});
  EXPECT_EQ(files_of(out()), whole);

  json manifest = json::parse(read_file(out() / "corpus.json"));
  manifest["schema"] = 1;
  write_file(out() / "corpus.json", manifest.dump());
  EXPECT_THAT(error_of(ExitCode::kUsage, [&] { build_corpus(options(), {}); }),
              HasSubstr("holds a corpus of schema 1"));
}

TEST_F(CorpusTest, AFolderWithOtherThingsIsNotTouched) {
  make_folder(out());
  write_file(out() / "thesis.txt", "years of work");
  EXPECT_THAT(error_of(ExitCode::kUsage, [&] { build_corpus(options(), {}); }),
              HasSubstr("is not a corpus"));
  EXPECT_EQ(read_file(out() / "thesis.txt"), "years of work");
}

TEST_F(CorpusTest, OptionsOutOfRangeAreRefusedBeforeAnyWork) {
  auto wrong = options();
  wrong.shard_tokens = 0;
  EXPECT_THAT(error_of(ExitCode::kUsage, [&] { build_corpus(wrong, {}); }),
              HasSubstr("--data.shard-tokens 0"));
  wrong = options();
  wrong.tokenizer_bytes = 0;
  EXPECT_THAT(error_of(ExitCode::kUsage, [&] { build_corpus(wrong, {}); }),
              HasSubstr("--data.tokenizer-bytes 0"));
  EXPECT_FALSE(fs::exists(out()));
}

TEST_F(CorpusTest, AFailureLeavesTheOldCorpus) {
  build_corpus(options(), {});
  fs::remove(out() / "tokenizer.model");  // so that it is made again
  const auto before = files_of(out());
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &limit), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  // Each limit lets more of the corpus through before a write fails: a shard, then the model or the
  // index.
  for (const rlim_t most : {500, 9000, 20000}) {
    const rlimit small{most, limit.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
    const std::string message = error_of(ExitCode::kFailure, [&] { build_corpus(options(), {}); });
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
    EXPECT_THAT(message, HasSubstr("File too large"));
    EXPECT_FALSE(fs::exists(out().string() + ".partial"));
  }
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(files_of(out()), before);
}

TEST_F(CorpusTest, ADamagedCorpusIsRefused) {
  build_corpus(options(), {});
  const auto message = [&] { return error_of(ExitCode::kBadInput, [&] { Corpus corpus(out()); }); };
  for (const auto& [name, whole] : files_of(out())) {
    write_file(out() / name, whole.substr(0, whole.size() / 2 + 1));
    EXPECT_THAT(message(), HasSubstr(name)) << "truncated";
    fs::remove(out() / name);
    EXPECT_THAT(message(), AnyOf(HasSubstr(name), HasSubstr("no corpus here")));
    write_file(out() / name, whole);
  }
  EXPECT_EQ(message(), "no error");
}

TEST_F(CorpusTest, AChangedShardIsNoticedByWhoReadsItsSplit) {
  auto small_shards = options();
  small_shards.shard_tokens = 300;
  build_corpus(small_shards, {});
  const std::string text = Corpus(out()).digest(Split::kTrain);
  const fs::path shard = out() / "train_000002.bin";
  std::string bytes = read_file(shard);
  std::swap(bytes[1024 + 2 * 20], bytes[1024 + 2 * 30]);
  ASSERT_NE(bytes, read_file(shard));
  write_file(shard, bytes);

  const Corpus corpus(out());
  EXPECT_THAT(error_of(ExitCode::kBadInput, [&] { corpus.check_shards(Split::kTrain, 0, 1); }),
              HasSubstr("train_000002.bin: not the shard the manifest names"));
  const auto of_rank = [&](int64_t rank) {
    return error_of(ExitCode::kBadInput, [&] { corpus.check_shards(Split::kTrain, rank, 2); });
  };
  EXPECT_THAT(of_rank(0), HasSubstr("train_000002.bin"));
  EXPECT_EQ(of_rank(1), "no error") << "the other's share";
  EXPECT_EQ(error_of(ExitCode::kBadInput, [&] { corpus.check_shards(Split::kValid, 0, 1); }),
            "no error");

  // Who changes the manifest as well has another corpus, and it is called so.
  json manifest = json::parse(read_file(out() / "corpus.json"));
  manifest["splits"]["train"]["shard_sha256"][2] = to_hex(sha256(bytes));
  write_file(out() / "corpus.json", manifest.dump());
  const Corpus other(out());
  other.check_shards(Split::kTrain, 0, 1);
  EXPECT_NE(other.digest(Split::kTrain), text);
  manifest["splits"]["train"]["shard_sha256"].erase(2);
  write_file(out() / "corpus.json", manifest.dump());
  EXPECT_THAT(error_of(ExitCode::kBadInput, [&] { Corpus fewer(out()); }),
              HasSubstr("shards of train, but corpus.json names"));
}

TEST_F(CorpusTest, ATokenBeyondThePiecesIsNoticedOnReading) {
  build_corpus(options(), {});
  std::string bytes = read_file(out() / "train_000000.bin");
  bytes[1024 + 2 * 10 + 1] = '\x7F';
  write_file(out() / "train_000000.bin", bytes);
  const Corpus corpus(out());
  std::vector<Token> tokens(20);
  EXPECT_THAT(error_of(ExitCode::kBadInput, [&] { corpus.read(Split::kTrain, 0, tokens); }),
              HasSubstr("train_000000.bin: a token beyond"));
}

TEST_F(CorpusTest, SplitsWithoutAShareAreEmpty) {
  auto train_only = options();
  train_only.valid_share = train_only.test_share = 0;
  build_corpus(train_only, {});
  const Corpus corpus(out());
  EXPECT_EQ(corpus.documents(Split::kTrain).size(), size_t{kDocuments});
  EXPECT_EQ(corpus.tokens(Split::kTest), 0);
}

}  // namespace
}  // namespace reprise
