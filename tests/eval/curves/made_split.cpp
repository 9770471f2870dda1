#include "tests/eval/curves/made_split.h"

#include "base/random.h"

namespace reprise {

ScoredSplit make_split(const std::vector<MadeDocument>& documents) {
  ScoredSplit split;
  auto& entropy = split.signals[Signal::kEntropy];
  for (const auto& made : documents) {
    const auto document = static_cast<uint32_t>(split.none.size());
    DocumentScore none;
    for (size_t i = 0; i < made.tokens.size(); ++i) {
      split.read.push_back(i == 0 ? kNothingRead : made.tokens[i - 1]);
      split.position.push_back(static_cast<uint32_t>(i));
      split.document.push_back(document);
      split.nll_base.push_back(made.loss[i]);
      split.gain.push_back(made.loss[i] - made.refined_loss[i]);
      entropy.push_back(made.entropy[i]);
      none.nats += Nats{made.loss[i]};
      none.bytes += Bytes{1};
    }
    split.none.push_back(none);
    split.keys.push_back(1000 + document);
  }
  return split;
}

ScoredSplit draw_split(uint32_t salt, uint32_t documents, double slope) {
  std::vector<MadeDocument> all;
  for (uint32_t d = 0; d < documents; ++d) {
    const RandomStream stream(50 + salt, Purpose::kTest, d);
    MadeDocument made;
    const uint64_t tokens = 50 + stream.below(0, 200);
    for (uint64_t i = 0; i < tokens; ++i) {
      const double entropy = 2 * stream.uniform(4 * i + 1);
      const double loss = 3 + stream.uniform(4 * i + 2);
      made.tokens.push_back(static_cast<uint16_t>(stream.below(4 * i + 3, 40)));
      made.entropy.push_back(static_cast<float>(entropy));
      made.loss.push_back(static_cast<float>(loss));
      made.refined_loss.push_back(
          static_cast<float>(loss - slope * entropy - 0.5 * stream.normal(4 * i + 4)));
    }
    all.push_back(std::move(made));
  }
  return make_split(all);
}

}  // namespace reprise
