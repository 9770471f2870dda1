#include "tests/end_to_end/program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <sstream>

#include "base/file.h"
#include "tests/support/temporary_folder.h"

namespace reprise {

namespace {

/// mpirun's event library now and then complains of a pipe that an aborted rank has closed; -q does
/// not keep it from that.
std::string without_noise(const std::string& err) {
  std::istringstream lines(err);
  std::string kept;
  for (std::string line; std::getline(lines, line);)
    if (!line.starts_with("[warn] Epoll ")) kept += line + '\n';
  return kept;
}

}  // namespace

Outcome run_shell(const std::string& line) {
  const TemporaryFolder folder;
  const auto out = folder / "out", err = folder / "err";
  const int status =
      std::system(concat("{ ", line, "; } >", out.string(), " 2>", err.string()).c_str());
  const int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return {code, read_file(out), without_noise(read_file(err))};
}

std::string reprise_line(const std::string& words) { return concat(REPRISE_PROGRAM, " ", words); }

Outcome run_reprise(const std::string& words) { return run_shell(reprise_line(words)); }

std::string ranks_line(int ranks, const std::string& words) {
  return concat("mpirun -q --bind-to none --oversubscribe -n ", ranks, " ", reprise_line(words));
}

Outcome run_on_ranks(int ranks, const std::string& words) {
  return run_shell(ranks_line(ranks, words));
}

void expect_refusal(const Outcome& outcome, ExitCode code, const std::string& words) {
  EXPECT_EQ(outcome.code, static_cast<int>(code)) << outcome.err;
  EXPECT_THAT(outcome.err, testing::HasSubstr(words));
  EXPECT_THAT(outcome.err, testing::StartsWith("reprise"));
  EXPECT_EQ(std::ranges::count(outcome.err, '\n'), 1) << outcome.err;
}

void write_text(const std::filesystem::path& folder) {
  std::mt19937 random(1);  // its numbers, unlike those of the distributions, are the standard's
  const auto word = [&] {
    std::string letters;
    for (uint32_t i = 2 + random() % 5; i > 0; --i)
      letters += static_cast<char>('a' + random() % 6);
    return letters;
  };
  std::vector<std::string> words(60);
  std::ranges::generate(words, word);
  for (const char* domain : {"one", "two"}) {
    make_folder(folder / domain);
    for (int document = 0; document < 150; ++document) {
      std::string text;
      for (uint32_t i = 60 + random() % 120; i > 0; --i)
        text += words[std::min(random() % 60, random() % 60)] + (i % 12 ? " " : ".\n");
      write_file(folder / domain / concat(document, ".txt"), text);
    }
  }
}

}  // namespace reprise
