#include "train/options.h"

#include <gmock/gmock.h>

#include "tests/train/synthetic_text.h"

namespace reprise {
namespace {
using testing::HasSubstr;

template <class Change>
std::string complaint(Change change) {
  TrainOptions options = test::small_training();
  change(options);
  try {
    validate(options, test::small_model());
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    return error.what();
  }
  return "";
}

TEST(TrainOptions, RefuseWhatNoMachineDoes) {
  EXPECT_EQ(complaint([](TrainOptions&) {}), "");
  EXPECT_THAT(complaint([](TrainOptions& o) { o.threads = 400'000; }),
              HasSubstr("train.threads is 400000; it must be from 0 to "));
  EXPECT_THAT(complaint([](TrainOptions& o) { o.sequences = int64_t{1} << 40; }),
              HasSubstr("train.sequences is 1099511627776; it must be from 1 to "));
  EXPECT_THAT(complaint([](TrainOptions& o) { o.optimiser.newton_schulz = 10'000'000; }),
              HasSubstr("train.newton-schulz is 10000000"));
  EXPECT_THAT(complaint([](TrainOptions& o) { o.optimiser.clip_norm = -0.5; }),
              HasSubstr("train.clip-norm is -0.5; it must be positive, or 0 to clip nothing"));
  EXPECT_THAT(complaint([](TrainOptions& o) { o.optimiser.ema = 1; }),
              HasSubstr("train.ema is 1; it lies in [0, 1), and 0 averages nothing"));
  EXPECT_EQ(complaint([](TrainOptions& o) { o.optimiser.ema = 0.9999; }), "");
  EXPECT_THAT(complaint([](TrainOptions& o) { o.schedule.freeze_mixing = 0.5; }),
              HasSubstr("train.freeze-mixing is 0.5, but the model mixes no passes"));
}

TEST(TrainOptions, RefuseAShareThatPicksNoPosition) {
  const auto with_share = [](double share) {
    return complaint([&](TrainOptions& o) {
      o.objective.kind = ObjectiveKind::kGatedRefinement;
      o.objective.refinement.refine_share = share;
    });
  };
  EXPECT_THAT(with_share(0.03), HasSubstr("picks no position of a sequence of 16; the least that "
                                          "does is 0.03125"));
  EXPECT_EQ(with_share(0.03125), "");
  EXPECT_EQ(with_share(0), "");
}

}  // namespace
}  // namespace reprise
