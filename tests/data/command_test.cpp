#include "launch/command.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/log.h"
#include "data/corpus.h"
#include "tests/data/samples.h"
#include "tests/support/temporary_folder.h"

namespace reprise {
namespace {
using testing::HasSubstr;

std::string run(const std::vector<std::string>& words) {
  const auto comm = make_self_communicator();
  log::start(log::Level::kWarning, 0, 1);  // as main does: the log is not on stdout
  testing::internal::CaptureStdout();
  const std::string failure = error_of(ExitCode::kUsage, [&] { run_data(words, *comm); });
  const std::string printed = testing::internal::GetCapturedStdout();
  return failure == "no error" ? printed : failure;
}

TEST(DataCommand, MakesACorpusAndPrintsItsManifest) {
  const TemporaryFolder folder;
  write_samples(folder / "source", 60);
  write_file(folder / "data.ini", "[data]\nvocab = 300\nvalid-share = 0.2\n");
  const std::string printed =
      run({"--config", (folder / "data.ini").string(), "--data.source",
           (folder / "source").string(), "--data.out", (folder / "corpus").string()});
  const auto manifest = nlohmann::json::parse(printed);
  EXPECT_EQ(manifest["vocab"], 300);
  EXPECT_EQ(manifest["config"]["data"]["valid-share"], 0.2);
  EXPECT_EQ(nlohmann::json::parse(read_file(folder / "corpus/corpus.json")), manifest);
  EXPECT_EQ(Corpus(folder / "corpus").tokenizer().vocab(), 300);
}

TEST(DataCommand, SaysWhatIsMissing) {
  EXPECT_THAT(run({"--data.out", "/tmp/x"}), HasSubstr("--data.source is missing"));
  EXPECT_THAT(run({"--data.source", "/tmp"}), HasSubstr("--data.out is missing"));
  EXPECT_THAT(run({"--data.vocap", "7"}), HasSubstr("did you mean 'data.vocab'"));
  EXPECT_THAT(run({"--help"}), HasSubstr("--data.max-document-bytes (bytes)"));
}

}  // namespace
}  // namespace reprise
