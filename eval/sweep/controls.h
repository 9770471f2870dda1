// What a run gate is compared with: other ways to pick as many predictions of every window. None
// could be deployed: each is told how many the gate picked, and the oracles look at the target.
#pragma once

#include <vector>

#include "base/options.h"
#include "eval/batch.h"

namespace reprise {

enum class SweepControl {
  kRandom,      ///< anywhere in the window: the gate's decisions there in another order
  kMatched,     ///< of every bin of (frequency of the token read) x (log2 of its position) as many
  kInverted,    ///< the gate's least margins
  kOracleLoss,  ///< the largest nats after the base passes
  kOracleGain,  ///< the largest gain where every position is refined
};
template <>
struct EnumNames<SweepControl> {
  static constexpr std::array names{std::pair{SweepControl::kRandom, "random"},
                                    std::pair{SweepControl::kMatched, "matched-random"},
                                    std::pair{SweepControl::kInverted, "inverted"},
                                    std::pair{SweepControl::kOracleLoss, "oracle-loss"},
                                    std::pair{SweepControl::kOracleGain, "oracle-gain"}};
};

/// Throws kUsage for a word that is no control, and for two alike.
std::vector<SweepControl> parse_controls(const std::vector<std::string>& words);

/// Types of token in bins of about equal mass in the train split, rare ones first.
class FrequencyBins {
 public:
  explicit FrequencyBins(const std::vector<int64_t>& train_counts);
  static constexpr int64_t kBins = 8;
  int64_t of(int64_t token) const { return bins_.at(static_cast<size_t>(token)); }

 private:
  std::vector<int64_t> bins_;
};

/// What a control knows of a batch's scored rows.
struct ControlView {
  const ScoringBatch& batch;
  const std::vector<uint8_t>& refined;  ///< by the gate
  const std::vector<float>& margins;    ///< of the gate
  const std::vector<double>&nll_base, &nll_all;
};

/// 1 where the control refines.
std::vector<uint8_t> pick_by(SweepControl control, uint64_t seed, const FrequencyBins& bins,
                             const ControlView& view);

}  // namespace reprise
