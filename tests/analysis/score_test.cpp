// The ratio estimator by hand.
#include "eval/stats/score.h"

#include <gmock/gmock.h>

#include <cmath>
#include <numbers>

#include "base/error.h"

namespace reprise {
namespace {

constexpr double kLn2 = std::numbers::ln2;

/// `bits` and `bytes` of one document.
DocumentScore document(double bits, int64_t bytes) { return {{bits * kLn2}, {bytes}}; }

TEST(Score, IsBitsOverBytesOfTheWholeSet) {
  const DocumentScores documents{document(3, 2), document(5, 6)};
  EXPECT_DOUBLE_EQ(bits_per_byte(documents), 1.0);  // not the mean of 1.5 and 0.83
}

TEST(Score, DeltaMethodByHand) {
  // R = 10 / 10 = 1; residuals 3−2, 5−6, 2−2 = 1, −1, 0; se² = 3/2 · 2 / 10².
  const DocumentScores documents{document(3, 2), document(5, 6), document(2, 2)};
  EXPECT_NEAR(delta_standard_error(documents), std::sqrt(0.03), 1e-15);
}

TEST(Score, DeltaMethodOfEqualSizesIsTheErrorOfAMean) {
  const DocumentScores documents{document(1, 4), document(2, 4), document(6, 4)};
  // Bits per byte 0.25, 0.5, 1.5: sample variance 0.4375, over three documents.
  EXPECT_NEAR(delta_standard_error(documents), std::sqrt(0.4375 / 3), 1e-15);
}

TEST(Score, LeaveOneOutByHand) {
  const DocumentScores documents{document(3, 2), document(5, 6), document(2, 2)};
  EXPECT_THAT(leave_one_out(documents),
              testing::ElementsAre(testing::DoubleEq(7.0 / 8), testing::DoubleEq(5.0 / 4),
                                   testing::DoubleEq(1.0)));
}

TEST(Score, DifferenceAndAverageKeepTheBytes) {
  const DocumentScores first{document(3, 2), document(5, 6)};
  const DocumentScores second{document(2, 2), document(9, 6)};
  const DocumentScores less = difference(first, second);
  EXPECT_NEAR(less[0].nats.value, kLn2, 1e-15);
  EXPECT_NEAR(bits_per_byte(less), -3.0 / 8, 1e-15);
  const DocumentScores mean = average(std::vector{first, second});
  EXPECT_NEAR(mean[1].nats.value, 7 * kLn2, 1e-14);
  EXPECT_EQ(mean[1].bytes, Bytes{6});
}

ExitCode code_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  return ExitCode::kOk;
}

TEST(Score, RefusesWhatCannotBeCompared) {
  const DocumentScores two{document(3, 2), document(5, 6)}, one{document(3, 2)};
  const DocumentScores other_size{document(3, 2), document(5, 7)}, empty{document(0, 0)};
  EXPECT_EQ(code_of([&] { difference(two, one); }), ExitCode::kInvalidTrace);
  EXPECT_EQ(code_of([&] { difference(two, other_size); }), ExitCode::kInvalidTrace);
  EXPECT_EQ(code_of([&] { average(std::vector{two, other_size}); }), ExitCode::kInvalidTrace);
  EXPECT_EQ(code_of([&] { average({}); }), ExitCode::kInvalidTrace);
  EXPECT_EQ(code_of([&] { delta_standard_error(one); }), ExitCode::kInvalidTrace);
  EXPECT_EQ(code_of([&] { bits_per_byte(empty); }), ExitCode::kInvalidTrace);
}

}  // namespace
}  // namespace reprise
