#include "eval/curves/controls.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"

namespace reprise {
namespace {

std::vector<uint8_t> first_of(std::span<const uint32_t> rank, int64_t count) {
  std::vector<uint8_t> refined(rank.size());
  for (size_t i = 0; i < rank.size(); ++i) refined[i] = rank[i] < count;
  return refined;
}

/// Each prediction's two losses exchanged with probability 1/2.
std::vector<float> toss_signs(std::span<const float> gain, std::span<const uint8_t> coin) {
  std::vector<float> tossed;
  tossed.reserve(gain.size());
  for (size_t i = 0; i < gain.size(); ++i) tossed.push_back(coin[i] ? -gain[i] : gain[i]);
  return tossed;
}

}  // namespace

Picked picked_of(std::vector<uint8_t> refined) {
  Picked picked{std::move(refined), 0};
  picked.count = std::accumulate(picked.refined.begin(), picked.refined.end(), int64_t{0});
  return picked;
}

SavedNats saved_where(const ScoredSplit& split, std::span<const float> gain,
                      std::span<const uint8_t> refined) {
  SavedNats saved(split.none.size(), 0);
  for (size_t i = 0; i < gain.size(); ++i)
    saved[split.document[i]] += refined[i] ? static_cast<double>(gain[i]) : 0.0;
  return saved;
}

Controls::Controls(const ScoredSplit& split, const ReadStatistics& reads, uint64_t seed)
    : split_(split),
      random_(draw_order(seed, split)),
      bins_(bins_of(reads, split)),
      rank_in_bin_(rank_in_bins(bins_, bin_count(), random_)),
      partner_(shuffle_documents(split, random_)),
      by_token_(rank_by(split.signals.at(Signal::kToken), First::kLargest, random_)),
      by_loss_(rank_by(split.nll_base, First::kLargest, random_)),
      by_gain_(rank_by(split.gain, First::kLargest, random_)),
      coin_gain_(toss_signs(split.gain, random_.coin)) {
  by_coin_ = rank_by(coin_gain_, First::kLargest, random_);
  all_ = saved_where(split, split.gain, std::vector<uint8_t>(split.size(), 1));
}

std::vector<uint8_t> Controls::pick_matched(const Picked& picked) const {
  std::vector<uint32_t> counts(bin_count(), 0);
  for (size_t i = 0; i < bins_.size(); ++i) counts[bins_[i]] += picked.refined[i];
  std::vector<uint8_t> refined(bins_.size());
  for (size_t i = 0; i < bins_.size(); ++i) refined[i] = rank_in_bin_[i] < counts[bins_[i]];
  return refined;
}

std::vector<uint8_t> Controls::pick(Control control, const Picked& picked,
                                    std::span<const uint32_t> inverted) const {
  switch (control) {
    case Control::kRandom:
      return first_of(random_.rank, picked.count);
    case Control::kMatched:
      return pick_matched(picked);
    case Control::kShuffled: {
      // Of a threshold: what it decides on scores shuffled so.
      std::vector<uint8_t> refined;
      refined.reserve(partner_.size());
      for (const uint32_t partner : partner_) refined.push_back(picked.refined[partner]);
      return refined;
    }
    case Control::kInverted:
      return first_of(inverted, picked.count);
    case Control::kToken:
      return first_of(by_token_, picked.count);
    case Control::kOracleLoss:
      return first_of(by_loss_, picked.count);
    case Control::kOracleGain:
      return first_of(by_gain_, picked.count);
    case Control::kUniform:
    case Control::kShuffledPass:
      break;
  }
  fail(ExitCode::kFailure, "the control ", enum_name(control),
       " picks no predictions of the split");
}

SavedNats Controls::saved_of(Control control, const Picked& picked,
                             std::span<const uint32_t> inverted) const {
  if (control == Control::kUniform) {
    const double share = static_cast<double>(picked.count) / static_cast<double>(split_.size());
    SavedNats saved = all_;
    for (double& nats : saved) nats *= share;
    return saved;
  }
  if (control == Control::kShuffledPass)
    return saved_where(split_, coin_gain_, first_of(by_coin_, picked.count));
  return saved_where(split_, split_.gain, pick(control, picked, inverted));
}

std::array<SavedNats, kControls> Controls::saved(const Picked& picked,
                                                 std::span<const uint32_t> inverted) const {
  std::array<SavedNats, kControls> all;
  for (const auto& [control, _] : EnumNames<Control>::names)
    all[static_cast<size_t>(control)] = saved_of(control, picked, inverted);
  return all;
}

}  // namespace reprise
