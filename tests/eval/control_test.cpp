// The random control: as many positions as the gate, of every window, drawn whatever the text says.
#include "eval/control.h"

#include <gmock/gmock.h>

#include <numeric>

#include "base/random.h"

namespace reprise {
namespace {

/// Scored positions of some windows, and what a gate picked of them.
struct Picks {
  std::vector<uint8_t> refined;
  std::vector<TokenPlace> places;
  std::vector<int64_t> windows;

  void add_window(uint64_t document, uint32_t first, const std::vector<uint8_t>& picked) {
    const int64_t window = windows.empty() ? 0 : windows.back() + 1;
    for (const uint8_t flag : picked) {
      refined.push_back(flag);
      places.push_back({document, first++});
      windows.push_back(window);
    }
  }
  std::vector<uint8_t> draw(uint64_t seed = 1) const {
    return draw_control(seed, refined, places, windows);
  }
};

/// `count` of `length` positions, at the front.
std::vector<uint8_t> leading(size_t count, size_t length) {
  std::vector<uint8_t> picked(length, 0);
  std::fill_n(picked.begin(), count, uint8_t{1});
  return picked;
}

TEST(Control, TakesThePositionsOfTheLeastNumbers) {
  Picks picks;
  picks.add_window(42, 1, leading(2, 6));
  std::vector<double> numbers;
  for (uint32_t position = 1; position <= 6; ++position)
    numbers.push_back(RandomStream(1, Purpose::kRandomGate, position).uniform(42));
  std::vector<double> sorted = numbers;
  std::ranges::sort(sorted);
  const auto drawn = picks.draw();
  for (size_t n = 0; n < 6; ++n) EXPECT_EQ(drawn[n], numbers[n] <= sorted[1]) << n;
}

TEST(Control, DrawsAsManyAsTheGateInEveryWindow) {
  Picks picks;
  for (size_t window = 0; window < 40; ++window)
    picks.add_window(window / 4, static_cast<uint32_t>(1 + window % 4 * 9),
                     leading(window % 10, 9));
  const auto drawn = picks.draw();
  for (int64_t window = 0; window < 40; ++window) {
    size_t of_gate = 0, of_control = 0;
    for (size_t n = 0; n < drawn.size(); ++n) {
      if (picks.windows[n] != window) continue;
      of_gate += picks.refined[n];
      of_control += drawn[n];
    }
    EXPECT_EQ(of_control, of_gate) << window;
  }
}

TEST(Control, KnowsTheGatesCountAndNotItsChoice) {
  Picks front, back;
  front.add_window(5, 1, leading(7, 50));
  back.add_window(5, 1, leading(7, 50));
  std::ranges::reverse(back.refined);
  EXPECT_EQ(front.draw(), back.draw());
}

TEST(Control, AWindowsDrawIsItsOwn) {
  Picks together, alone;
  together.add_window(9, 1, leading(3, 20));
  together.add_window(5, 30, leading(4, 20));
  together.add_window(5, 50, leading(6, 20));
  alone.add_window(5, 30, leading(4, 20));
  const auto all = together.draw(), one = alone.draw();
  EXPECT_TRUE(std::equal(one.begin(), one.end(), all.begin() + 20));
}

TEST(Control, DependsOnSeedDocumentAndPosition) {
  const auto drawn = [](uint64_t seed, uint64_t document, uint32_t first) {
    Picks picks;
    picks.add_window(document, first, leading(32, 64));
    return picks.draw(seed);
  };
  EXPECT_EQ(drawn(1, 1, 1), drawn(1, 1, 1));
  EXPECT_NE(drawn(1, 1, 1), drawn(2, 1, 1));
  EXPECT_NE(drawn(1, 1, 1), drawn(1, 2, 1));
  EXPECT_NE(drawn(1, 1, 1), drawn(1, 1, 2));
}

TEST(Control, EveryPositionIsAsLikely) {
  constexpr size_t kLength = 20, kWindows = 4000;
  std::vector<double> times(kLength, 0);
  for (uint64_t document = 0; document < kWindows; ++document) {
    Picks picks;
    picks.add_window(document, 1, leading(5, kLength));
    const auto drawn = picks.draw();
    for (size_t n = 0; n < kLength; ++n) times[n] += drawn[n];
  }
  for (const double count : times)  // four standard deviations of the binomial at a quarter
    EXPECT_NEAR(count, 1000, 4 * std::sqrt(kWindows * 0.25 * 0.75));
}

}  // namespace
}  // namespace reprise
