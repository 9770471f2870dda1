// Lines of the log, and what was written in them.
#include "base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace reprise {
namespace {

using testing::HasSubstr;

/// What the log of a rank leaves on stderr, without the line's end.
std::string logged(log::Level level, const std::string& text, int rank, int ranks) {
  testing::internal::CaptureStderr();
  log::start(log::Level::kInfo, rank, ranks);
  log::write(level, text);
  std::string line = testing::internal::GetCapturedStderr();
  if (!line.empty()) line.pop_back();
  return line;
}

TEST(Log, WritesLinesWhoseTextCanBeHadBack) {
  const std::string text = "3/60 steps (5 %), 0:00:12 left";
  for (const log::Level level : {log::Level::kInfo, log::Level::kWarning, log::Level::kError}) {
    const std::string line = logged(level, text, 0, 1);
    EXPECT_GT(line.size(), text.size()) << "no time and level";
    EXPECT_EQ(log::message_of(line), text);
  }
  const std::string of_rank = logged(log::Level::kWarning, text, 1, 2);
  EXPECT_THAT(of_rank, HasSubstr("[rank 1]"));
  EXPECT_EQ(log::message_of(of_rank), text);
}

TEST(Log, LeavesLinesOfOthersAsTheyAre) {
  for (const char* line : {"", "reprise train: no luck", "12:30:00 no level", "at 12:30:00 info x",
                           "12:30:00 infos are here"})
    EXPECT_EQ(log::message_of(line), line);
}

TEST(Log, KeepsRanksBehindTheFirstToWarnings) {
  EXPECT_EQ(logged(log::Level::kInfo, "text", 1, 2), "");
  EXPECT_EQ(logged(log::Level::kDebug, "text", 0, 1), "");
}

}  // namespace
}  // namespace reprise
