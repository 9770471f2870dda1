#include "data/source.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "base/file.h"
#include "data/shard.h"
#include "tests/data/samples.h"
#include "tests/support/temporary_folder.h"

namespace reprise {
namespace {
namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

/// Every document of a file; each is read again by its place.
std::vector<std::string> documents_of(const std::filesystem::path& path,
                                      const Tokenizer* tokenizer = nullptr) {
  const auto file = open_source_file(path, tokenizer);
  std::vector<std::string> texts;
  file->scan([&](const DocumentPlace& place, const std::string& text) {
    EXPECT_EQ(file->text(place), text);
    texts.push_back(text);
  });
  return texts;
}

TEST(Source, ATextFileIsOneDocument) {
  const TemporaryFolder folder;
  write_file(folder / "a.py", "def f():\n\treturn 'é'\n");
  EXPECT_THAT(documents_of(folder / "a.py"), ElementsAre("def f():\n\treturn 'é'\n"));
}

TEST(Source, JsonLinesAreADocumentALine) {
  const TemporaryFolder folder;
  write_file(folder / "a.jsonl",
             "{\"id\": 1, \"text\": \"one\\ntwo \\u00e9 \\ud83d\\ude42\"}\n\n  \r\n{\"text\": "
             "\"\"}\r\n{\"text\":\"last\"}");
  EXPECT_THAT(documents_of(folder / "a.jsonl"), ElementsAre("one\ntwo é 🙂", "", "last"));
}

TEST(Source, ShardsAreADocumentBehindEachBegin) {
  const TemporaryFolder folder;
  const auto first = sample_tokenizer().encode("the first\n"),
             second = sample_tokenizer().encode(" and the second");
  ShardWriter writer(folder.path(), "s", 1000);
  writer.add(first);
  writer.add({});
  writer.add(second);
  writer.finish();
  EXPECT_THAT(documents_of(folder / "s_000000.bin", &sample_tokenizer()),
              ElementsAre("the first\n", "", " and the second"));
  EXPECT_THAT(
      error_of(ExitCode::kUsage, [&] { open_source_file(folder / "s_000000.bin", nullptr); }),
      HasSubstr("--data.tokenizer"));
}

TEST(Source, AShardThatStartsInsideADocumentLosesNothing) {
  const TemporaryFolder folder;
  ShardWriter writer(folder.path(), "s", 1000);
  writer.add(sample_tokenizer().encode("the rest"));
  writer.add(sample_tokenizer().encode("next"));
  writer.finish();
  std::string bytes = read_file(folder / "s_000000.bin");
  bytes.erase(1024, 2);  // the first begin-of-document
  bytes[8] = static_cast<char>(bytes[8] - 1);
  write_file(folder / "t.bin", bytes);
  EXPECT_THAT(documents_of(folder / "t.bin", &sample_tokenizer()), ElementsAre("the rest", "next"));
}

TEST(Source, AShardOfAnotherTokenizerIsRefused) {
  const TemporaryFolder folder;
  ShardWriter writer(folder.path(), "s", 1000);
  writer.add(std::vector<Token>{5, 400});
  writer.finish();
  EXPECT_THAT(error_of(ExitCode::kBadInput,
                       [&] { documents_of(folder / "s_000000.bin", &sample_tokenizer()); }),
              HasSubstr("s_000000.bin: token 2 is beyond the tokenizer's 400 pieces"));
}

TEST(Source, BadTextNamesFileAndByte) {
  const TemporaryFolder folder;
  write_file(folder / "a.txt", "good\xFFtext");
  EXPECT_THAT(error_of(ExitCode::kBadInput, [&] { documents_of(folder / "a.txt"); }),
              HasSubstr("a.txt: not UTF-8 at byte 4"));
  write_file(folder / "empty.jsonl", "");
  EXPECT_THAT(error_of(ExitCode::kBadInput, [&] { documents_of(folder / "empty.jsonl"); }),
              HasSubstr("empty.jsonl: the file is empty"));
}

TEST(Source, BadJsonNamesFileAndLine) {
  const TemporaryFolder folder;
  const std::pair<const char*, const char*> cases[] = {
      {"{\"text\": \"cut", "line 2: not JSON at its byte"},
      {"[\"text\"]", "line 2: no object with a string in its field \"text\""},
      {"{\"txt\": \"a\"}", "line 2: no object with a string"},
      {"{\"text\": 7}", "line 2: no object with a string"},
      {"{\"text\": \"\\ud800\"}", "line 2: not JSON at its byte"},
      {"{\"text\": \"\xFF\"}", "line 2: not UTF-8 at its byte 10"},
  };
  for (const auto& [line, message] : cases) {
    write_file(folder / "a.jsonl",
               concat("{\"text\": \"fine\"}\n", line, "\n{\"text\": \"fine\"}\n"));
    EXPECT_THAT(error_of(ExitCode::kBadInput, [&] { documents_of(folder / "a.jsonl"); }),
                HasSubstr(concat("a.jsonl, ", message)));
  }
}

TEST(Source, AFolderIsListedSortedWithoutHiddenFiles) {
  const TemporaryFolder folder;
  for (const auto* name : {"b/2.txt", "b/1.txt", "a.jsonl", ".git/config", ".hidden", "c.txt"}) {
    make_folder((folder / name).parent_path());
    write_file(folder / name, "x");
  }
  const auto source = find_source(folder.path().string() + "/");
  EXPECT_THAT(source.files, ElementsAre(folder / "a.jsonl", folder / "b/1.txt", folder / "b/2.txt",
                                        folder / "c.txt"));
  EXPECT_EQ(source.domain, folder.path().filename().string());
  EXPECT_EQ(find_source((folder / "a.jsonl").string()).domain, "a");
  EXPECT_EQ(find_source(concat("web:", folder.path().string())).domain, "web");
}

TEST(Source, WhatIsNeitherFileNorFolderIsRefused) {
  const TemporaryFolder folder;
  make_folder(folder / "text");
  make_folder(folder / "elsewhere");
  write_file(folder / "elsewhere/b.txt", "x");
  fs::create_symlink("../elsewhere/b.txt", folder / "text/a.txt");
  const auto refusal = [&](const char* source) {
    return error_of(ExitCode::kBadInput, [&] { find_source((folder / source).string()); });
  };
  EXPECT_EQ(refusal("text"), "no error") << "a link to a file";
  fs::create_directory_symlink("../elsewhere", folder / "text/link");
  EXPECT_THAT(refusal("text"), HasSubstr("text/link: a link to a folder"));
  fs::remove(folder / "text/link");
  fs::create_symlink("nowhere", folder / "text/link");
  EXPECT_THAT(refusal("text"), HasSubstr("text/link: neither a file nor a folder"));
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(refusal("pipe"), HasSubstr("pipe: neither a file nor a folder"));
  fs::create_directory_symlink("elsewhere", folder / "named");
  EXPECT_EQ(refusal("named"), "no error") << "a source may be a link itself";
}

TEST(Source, WhereNothingIsItSaysSo) {
  const TemporaryFolder folder;
  EXPECT_THAT(error_of(ExitCode::kBadInput, [&] { find_source((folder / "absent").string()); }),
              HasSubstr("absent: no such file or folder"));
  EXPECT_THAT(error_of(ExitCode::kBadInput, [&] { find_source(folder.path().string()); }),
              HasSubstr("the folder holds no file"));
}

}  // namespace
}  // namespace reprise
