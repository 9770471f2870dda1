// What a gate is compared with: other ways to pick exactly as many predictions of the test split.
//
// None is a policy. Each is told how many the gate picked (the matched one how many of every bin,
// the shuffled one how many of every document), and the oracles look at the target: yardsticks.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/options.h"
#include "eval/curves/order.h"
#include "eval/curves/reads.h"
#include "eval/curves/split.h"

namespace reprise {

enum class Control {
  kRandom,        ///< anywhere
  kMatched,       ///< anywhere within a bin of token frequency x position; of each as many
  kShuffled,      ///< the gate's decisions in another order within the document
  kInverted,      ///< the gate's least scores
  kToken,         ///< by the token read alone: mean gain over the valid split
  kUniform,       ///< every prediction with the gate's share as its chance, in expectation
  kOracleLoss,    ///< largest nll_base
  kOracleGain,    ///< largest gain
  kShuffledPass,  ///< the oracle's null: largest gain, where chance tells the two passes apart
};
template <>
struct EnumNames<Control> {
  static constexpr std::array names{std::pair{Control::kRandom, "random"},
                                    std::pair{Control::kMatched, "matched-random"},
                                    std::pair{Control::kShuffled, "shuffled"},
                                    std::pair{Control::kInverted, "inverted"},
                                    std::pair{Control::kToken, "token-only"},
                                    std::pair{Control::kUniform, "uniform-depth"},
                                    std::pair{Control::kOracleLoss, "oracle-loss"},
                                    std::pair{Control::kOracleGain, "oracle-gain"},
                                    std::pair{Control::kShuffledPass, "shuffled-passes"}};
};
inline constexpr size_t kControls = EnumNames<Control>::names.size();

/// Whether something that does not know the target could do as well in principle.
constexpr bool attainable(Control control) { return control < Control::kOracleLoss; }

/// What a gate picked.
struct Picked {
  std::vector<uint8_t> refined;  ///< 1 or 0 for each prediction
  int64_t count = 0;             ///< of ones
};
Picked picked_of(std::vector<uint8_t> refined);

/// Nats that second passes take off each document.
using SavedNats = std::vector<double>;

class Controls {
 public:
  /// `split` has the static signals and outlives this. `seed` of all that chance decides.
  Controls(const ScoredSplit& split, const ReadStatistics& reads, uint64_t seed);

  /// 1 where the control refines, as many as were picked. `inverted`: rank of every prediction,
  /// the gate's least score first. Not of kUniform, which refines no prediction for certain, nor of
  /// kShuffledPass, whose gains are not the split's.
  std::vector<uint8_t> pick(Control control, const Picked& picked,
                            std::span<const uint32_t> inverted) const;

  /// By Control.
  std::array<SavedNats, kControls> saved(const Picked& picked,
                                         std::span<const uint32_t> inverted) const;

  const RandomOrder& random() const { return random_; }

 private:
  std::vector<uint8_t> pick_matched(const Picked& picked) const;
  SavedNats saved_of(Control control, const Picked& picked,
                     std::span<const uint32_t> inverted) const;

  const ScoredSplit& split_;
  RandomOrder random_;
  std::vector<uint16_t> bins_;
  std::vector<uint32_t> rank_in_bin_, partner_;
  std::vector<uint32_t> by_token_, by_loss_, by_gain_, by_coin_;
  std::vector<float> coin_gain_;  ///< gain, its sign tossed
  SavedNats all_;                 ///< every prediction refined
};

/// Of `gain` where `refined` is 1, per document.
SavedNats saved_where(const ScoredSplit& split, std::span<const float> gain,
                      std::span<const uint8_t> refined);

}  // namespace reprise
