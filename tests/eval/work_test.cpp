// The cut of a split into units, windows and batches, by hand.
#include "eval/work.h"

#include <gmock/gmock.h>

namespace reprise {
namespace {

using testing::ElementsAre;

std::vector<Document> documents_of(const std::vector<int64_t>& sizes) {
  std::vector<Document> documents(sizes.size());
  for (size_t d = 0; d < sizes.size(); ++d) documents[d].tokens = sizes[d];
  return documents;
}

TEST(Units, CloseOnceFull) {
  const auto units = plan_units(documents_of({3, 4, 2, 10, 1}), 6);
  ASSERT_EQ(units.size(), 3u);
  EXPECT_EQ(units[0].first_document, 0);
  EXPECT_EQ(units[0].documents, 2);
  EXPECT_EQ(units[1].first_document, 2);
  EXPECT_EQ(units[1].documents, 2);
  EXPECT_EQ(units[2].first_document, 4);
  EXPECT_EQ(units[2].documents, 1);
  EXPECT_TRUE(plan_units({}, 6).empty());
}

TEST(Windows, ShortDocumentIsOneWindow) {
  EXPECT_THAT(plan_windows(7, 5, {8, 4}), ElementsAre(Window{7, 0, 4, 0}));
  EXPECT_THAT(plan_windows(0, 9, {8, 4}), ElementsAre(Window{0, 0, 8, 0}));
}

TEST(Windows, EmptyDocumentHasNone) { EXPECT_TRUE(plan_windows(0, 1, {8, 4}).empty()); }

TEST(Windows, StrideAndFullLastWindow) {
  // 18 inputs: windows of 8 every 4; the last starts at 10, not at 12, and scores what is left.
  EXPECT_THAT(plan_windows(0, 19, {8, 4}), ElementsAre(Window{0, 0, 8, 0}, Window{0, 4, 8, 8},
                                                       Window{0, 8, 8, 12}, Window{0, 10, 8, 16}));
}

TEST(Windows, ScoreEachTokenOnceWithTheContextTheyPromise) {
  for (int64_t tokens = 1; tokens < 60; ++tokens) {
    for (const WindowOptions options : {WindowOptions{8, 8}, {8, 4}, {8, 1}, {7, 3}}) {
      int64_t next = 0;
      for (const Window& window : plan_windows(0, tokens, options)) {
        EXPECT_EQ(window.scored, next);
        EXPECT_LE(window.length, options.length);
        if (window.first > 0) {
          EXPECT_EQ(window.length, options.length);
          EXPECT_GE(window.scored - window.first, options.length - options.stride);
        }
        next = window.first + window.length;
      }
      EXPECT_EQ(next, tokens - 1);
    }
  }
}

TEST(Batches, LongestFirstWithinTheBudget) {
  const std::vector<Window> windows = {
      {0, 0, 3, 0}, {1, 0, 8, 0}, {2, 0, 4, 0}, {3, 0, 8, 0}, {4, 0, 30, 0}};
  const auto batches = plan_batches(windows, 16);
  ASSERT_EQ(batches.size(), 3u);
  EXPECT_THAT(batches[0], ElementsAre(windows[4]));  // longer than the budget, alone
  EXPECT_THAT(batches[1], ElementsAre(windows[1], windows[3]));
  EXPECT_THAT(batches[2], ElementsAre(windows[2], windows[0]));
}

}  // namespace
}  // namespace reprise
