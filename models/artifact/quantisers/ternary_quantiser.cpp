#include "models/artifact/quantisers/ternary_quantiser.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>

#include "models/artifact/quantisers/half_quantiser.h"
#include "models/artifact/quantisers/scales.h"
#include "models/artifact/quantisers/ternary.h"

namespace reprise {
namespace {

/// Rungs of the scales to an octave and what a scale codes to, about. Twice as fine as the scales
/// of integers, since here the scale is the only magnitude: at 4 rungs its rounding would cost 1 %
/// of the error, at 8 a quarter of that.
constexpr double kTernaryRungs = 8, kTernaryScaleBits = 4;

/// What a weight that is not 0 must save, in mean squares of the row. A Gaussian has 54 % of them
/// at 0 and 2 % at 8.
constexpr std::array kPenalties{0.0, 0.1, 0.2, 0.35, 0.5, 0.7, 1.0,
                                1.4, 2.0, 2.8, 4.0,  5.6, 8.0, 12.0};

constexpr int kTurns = 4;

/// What trits cost that are 0 as often as said, and otherwise 1 or -1 as often as each other.
class TritBits {
 public:
  TritBits(double zeros, double all)
      : zero_(zeros > 0 ? std::log2(all / zeros) : 0),
        sign_(zeros < all ? std::log2(2 * all / (all - zeros)) : 0) {}
  double of(double zeros, double all) const { return zeros * zero_ + (all - zeros) * sign_; }

 private:
  double zero_, sign_;
};

/// The magnitudes of a row, largest first, with the sums over the k first of them.
struct SortedRow {
  std::vector<float> magnitudes;
  std::vector<double> importance{0}, weighted{0};  ///< sum I, sum I |w|, for k = 0 ... columns
  double energy = 0;                               ///< sum I w^2 of the whole row

  double mean_square() const { return energy / importance.back(); }
};

SortedRow sort_row(std::span<const float> weights, std::span<const float> importance) {
  std::vector<size_t> order(weights.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, [&](size_t a, size_t b) {
    return std::pair(-std::abs(weights[a]), a) < std::pair(-std::abs(weights[b]), b);
  });
  SortedRow row;
  for (const size_t i : order) {
    const double magnitude = std::abs(weights[i]);
    row.magnitudes.push_back(std::abs(weights[i]));
    row.importance.push_back(row.importance.back() + importance[i]);
    row.weighted.push_back(row.weighted.back() + importance[i] * magnitude);
    row.energy += importance[i] * magnitude * magnitude;
  }
  return row;
}

/// The codes of a scale that cost least where every weight that is not 0 costs `penalty`, in the
/// mean squares of the row.
TernaryQuantiser::Choice choice_of(const SortedRow& row, uint16_t half, double penalty) {
  const double scale = from_half(half);
  const auto threshold = static_cast<float>(scale / 2 + penalty * row.mean_square() / (2 * scale));
  const auto end = std::ranges::lower_bound(row.magnitudes, threshold, std::greater<>());
  const auto kept = static_cast<size_t>(end - row.magnitudes.begin());
  return {.scale = half,
          .threshold = threshold,
          .zeros = static_cast<uint32_t>(row.magnitudes.size() - kept),
          .distortion = static_cast<float>(row.energy - 2 * scale * row.weighted[kept] +
                                           scale * scale * row.importance[kept])};
}

/// Nothing but zeros.
TernaryQuantiser::Choice zeros_of(const SortedRow& row) {
  return {.scale = 0,
          .threshold = std::numeric_limits<float>::infinity(),
          .zeros = static_cast<uint32_t>(row.magnitudes.size()),
          .distortion = static_cast<float>(row.energy)};
}

/// The scale is the mean of some of the largest magnitudes: between the mean of all and the
/// largest.
TernaryQuantiser::Choice choose(const SortedRow& row, double penalty) {
  TernaryQuantiser::Choice best = zeros_of(row);
  if (row.energy == 0) return best;
  const auto rung = [](double scale) { return kTernaryRungs * std::log2(scale); };
  const auto first =
      static_cast<int>(std::floor(rung(row.weighted.back() / row.importance.back())));
  const auto last = static_cast<int>(std::ceil(rung(row.magnitudes.front())));
  const double of_kept = penalty * row.energy / static_cast<double>(row.magnitudes.size());
  double least = row.energy;
  for (int step = first; step <= last; ++step) {
    const uint16_t scale = nearest_rung(std::exp2(step / kTernaryRungs), kTernaryRungs);
    if (scale == 0) continue;
    const TernaryQuantiser::Choice choice = choice_of(row, scale, penalty);
    const double kept = static_cast<double>(row.magnitudes.size()) - choice.zeros;
    const double cost = choice.distortion + of_kept * kept;
    if (cost >= least) continue;
    least = cost;
    best = choice;
  }
  return best;
}

}  // namespace

TernaryQuantiser::TernaryQuantiser(Subject subject)
    : subject_(std::move(subject)),
      weights_(subject_.tensor.values),
      rows_(static_cast<size_t>(subject_.tensor.shape[0])),
      columns_(weights_.size() / rows_) {
  if (subject_.hessian) {
    feedback_.emplace(*subject_.hessian, columns_, subject_.tensor.name);
    subject_.importance.columns =
        with_feedback(subject_.importance.columns, *subject_.hessian, *feedback_);
    subject_.hessian = nullptr;
  }
  for (size_t row = 0; row < rows_; ++row) measure(row);
}

void TernaryQuantiser::measure(size_t row) {
  const SortedRow sorted =
      sort_row(std::span(weights_).subspan(row * columns_, columns_), subject_.importance.columns);
  for (const double penalty : kPenalties) {
    choices_.push_back(choose(sorted, penalty));
    choices_.back().distortion *= subject_.importance.rows[row];
  }
}

TernaryQuantiser::Plan TernaryQuantiser::plan(double slope) const {
  const auto all = static_cast<double>(weights_.size());
  double zeros = all / 2;
  Plan plan;
  for (int turn = 0; turn < kTurns; ++turn) {
    const TritBits bits(zeros, all);
    const auto cost = [&](const Choice& choice) {
      return choice.distortion + slope * bits.of(choice.zeros, static_cast<double>(columns_));
    };
    plan.rows.clear();
    zeros = 0;
    for (size_t row = 0; row < rows_; ++row) {
      const auto choices = std::span(choices_).subspan(row * kPenalties.size(), kPenalties.size());
      plan.rows.push_back(&*std::ranges::min_element(choices, {}, cost));
      zeros += plan.rows.back()->zeros;
    }
  }
  plan.bits = TritBits(zeros, all).of(zeros, all);
  return plan;
}

Forecast TernaryQuantiser::forecast(double slope) const {
  const Plan chosen = plan(slope);
  Forecast sum{.bits = chosen.bits + kTernaryScaleBits * static_cast<double>(rows_)};
  for (const Choice* choice : chosen.rows) sum.distortion += choice->distortion;
  return sum;
}

std::vector<int8_t> TernaryQuantiser::trits(const Plan& plan) const {
  std::vector<int8_t> trits(weights_.size());
  const auto round = [&](size_t row, size_t column, float weight) {
    const Choice& choice = *plan.rows[row];
    const int8_t trit = ternary_code(weight, choice.threshold);
    trits[row * columns_ + column] = trit;
    return from_half(choice.scale) * static_cast<float>(trit);
  };
  if (feedback_) {
    feedback_->round_rows(weights_, round);
    return trits;
  }
  for (size_t row = 0; row < rows_; ++row)
    for (size_t column = 0; column < columns_; ++column)
      round(row, column, weights_[row * columns_ + column]);
  return trits;
}

QuantisedTensor TernaryQuantiser::quantise(double slope) const {
  std::string scales, codes;
  const Plan chosen = plan(slope);
  const std::vector<int8_t> all = trits(chosen);
  for (size_t row = 0; row < rows_; ++row) {
    append_half(scales, chosen.rows[row]->scale);
    append_trits(codes, std::span(all).subspan(row * columns_, columns_));
  }
  return {.form = {Scheme::kTernary},
          .streams = {std::move(scales), std::move(codes)},
          .nominal_bits = std::log2(3)};
}

}  // namespace reprise
