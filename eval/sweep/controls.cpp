#include "eval/sweep/controls.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "eval/control.h"

namespace reprise {
namespace {

/// Of each scored row: its window, and of the token read there its frequency and its position.
std::vector<int64_t> groups_of(const ScoringBatch& batch, const FrequencyBins& bins) {
  constexpr int64_t kPositionBins = 33;  // bit widths of 32 bits
  const int64_t* tokens = batch.tokens_BT.const_data_ptr<int64_t>();
  const int64_t* rows = batch.rows_N.const_data_ptr<int64_t>();
  std::vector<int64_t> groups;
  for (size_t n = 0; n < batch.places.size(); ++n) {
    const int64_t position = std::bit_width(batch.places[n].position - 1);
    groups.push_back((batch.windows[n] * FrequencyBins::kBins + bins.of(tokens[rows[n]])) *
                         kPositionBins +
                     position);
  }
  return groups;
}

/// The least are picked.
std::vector<double> numbers_of(SweepControl control, uint64_t seed, const ControlView& view) {
  std::vector<double> numbers;
  for (size_t n = 0; n < view.batch.places.size(); ++n) switch (control) {
      case SweepControl::kRandom:
      case SweepControl::kMatched:
        numbers.push_back(control_number(seed, view.batch.places[n]));
        break;
      case SweepControl::kInverted:
        numbers.push_back(view.margins[n]);
        break;
      case SweepControl::kOracleLoss:
        numbers.push_back(-view.nll_base[n]);
        break;
      case SweepControl::kOracleGain:
        numbers.push_back(view.nll_all[n] - view.nll_base[n]);
        break;
    }
  return numbers;
}

}  // namespace

std::vector<SweepControl> parse_controls(const std::vector<std::string>& words) {
  std::vector<SweepControl> controls;
  for (const auto& word : words) {
    const auto named = [&](const auto& known) { return known.second == word; };
    const auto found = std::ranges::find_if(EnumNames<SweepControl>::names, named);
    require(found != EnumNames<SweepControl>::names.end(), ExitCode::kUsage, "sweep.controls: '",
            word, "' is none of random, matched-random, inverted, oracle-loss, oracle-gain");
    require(std::ranges::find(controls, found->first) == controls.end(), ExitCode::kUsage,
            "sweep.controls names '", word, "' twice");
    controls.push_back(found->first);
  }
  return controls;
}

FrequencyBins::FrequencyBins(const std::vector<int64_t>& train_counts)
    : bins_(train_counts.size(), 0) {
  std::vector<size_t> types(train_counts.size());
  std::iota(types.begin(), types.end(), size_t{0});
  std::ranges::stable_sort(types, {}, [&](size_t type) { return train_counts[type]; });
  const int64_t all = std::reduce(train_counts.begin(), train_counts.end());
  int64_t before = 0;
  for (const size_t type : types) {
    bins_[type] = all == 0 ? 0 : std::min(kBins - 1, before * kBins / all);
    before += train_counts[type];
  }
}

std::vector<uint8_t> pick_by(SweepControl control, uint64_t seed, const FrequencyBins& bins,
                             const ControlView& view) {
  const std::vector<int64_t> groups =
      control == SweepControl::kMatched ? groups_of(view.batch, bins) : view.batch.windows;
  return draw_least(numbers_of(control, seed, view), view.refined, groups);
}

}  // namespace reprise
