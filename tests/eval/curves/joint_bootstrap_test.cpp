// The joint bootstrap against one contrast at a time: the same bits.
#include "eval/curves/joint_bootstrap.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/random.h"

namespace reprise {
namespace {

TEST(JointBootstrap, DrawsWhatTheOneForOneContrastDraws) {
  for (const size_t documents : {2u, 31u, 40u}) {
    std::vector<DocumentScores> contrasts(3);
    const RandomStream stream(8, Purpose::kTest);
    for (size_t c = 0; c < contrasts.size(); ++c)
      for (size_t d = 0; d < documents; ++d)
        contrasts[c].push_back({{stream.normal(c * documents + d)},
                                {static_cast<int64_t>(1 + stream.below(1000 + d, 50))}});
    const auto draws = bootstrap_jointly(contrasts, {50, 7});
    for (size_t c = 0; c < contrasts.size(); ++c)
      EXPECT_EQ(draws[c], bootstrap_documents(contrasts[c], {50, 7}));
  }
}

TEST(JointBootstrap, RefusesADocumentWithoutText) {
  const std::vector<DocumentScores> contrasts{{{{1}, {1}}, {{1}, {0}}}};
  EXPECT_THROW(bootstrap_jointly(contrasts, {50, 7}), Error);
}

}  // namespace
}  // namespace reprise
