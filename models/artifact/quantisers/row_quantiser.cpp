#include "models/artifact/quantisers/row_quantiser.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

#include "models/artifact/quantisers/half_quantiser.h"
#include "models/artifact/quantisers/lower_hull.h"
#include "models/artifact/quantisers/row_codes.h"

namespace reprise {
namespace {

/// The ladder's reach, in root mean squares of the tensor. At 4 all but the largest weights are 0;
/// finer than 1/64, eight bits clip at 2.
constexpr double kFinestScale = 1.0 / 64, kCoarsestScale = 4;
/// A clip nearer than this never pays: three levels of a Gaussian clip best at 1.22.
constexpr double kNearestClip = 1;

double mean_square(std::span<const float> values) {
  double sum = 0;
  for (const float value : values) sum += static_cast<double>(value) * value;
  return sum / static_cast<double>(values.size());
}

/// Distinct positive binary16 steps of the ladder for a tensor of this root mean square, finest
/// first.
std::vector<uint16_t> scale_ladder(double rms) {
  std::vector<uint16_t> ladder;
  const auto rung = [](double scale) { return 4 * std::log2(scale); };
  const auto finest = static_cast<int>(std::floor(rung(rms * kFinestScale)));
  const auto coarsest = static_cast<int>(std::ceil(rung(rms * kCoarsestScale)));
  for (int i = finest; i <= coarsest; ++i) {
    const uint16_t scale = to_half(static_cast<float>(std::exp2(i / 4.0)));
    const bool usable = scale > 0 && scale < to_half(2 * kLargestHalf);
    if (usable && (ladder.empty() || ladder.back() != scale)) ladder.push_back(scale);
  }
  if (ladder.empty()) ladder.push_back(1);  // 2^-24: weights that small come back as zeros
  return ladder;
}

/// Bits of every code where they are drawn with these counts; 0 for one that never occurs.
std::vector<double> code_bits(std::span<const uint32_t> counts) {
  const double total = std::accumulate(counts.begin(), counts.end(), 0.0);
  std::vector<double> bits;
  for (const uint32_t count : counts) bits.push_back(count ? std::log2(total / count) : 0);
  return bits;
}

bool clips_too_near(uint16_t scale, int64_t bits, double rms) {
  return largest_code(bits) * from_half(scale) < kNearestClip * rms;
}

}  // namespace

int largest_code(int64_t bits) { return (1 << (bits - 1)) - 1; }

std::vector<float> row_scales(double rms, int64_t bits) {
  if (rms == 0) return {1};
  std::vector<float> scales;
  for (const uint16_t scale : scale_ladder(rms))
    if (!clips_too_near(scale, bits, rms)) scales.push_back(from_half(scale));
  return scales;
}

RowQuantiser::RowQuantiser(const Subject& subject, const QuantiserOptions& options)
    : weights_RC_(subject.tensor.values),
      rows_(static_cast<size_t>(subject.tensor.shape[0])),
      columns_(weights_RC_.size() / rows_),
      importance_(subject.importance) {
  if (subject.hessian) {
    feedback_.emplace(*subject.hessian, columns_, subject.tensor.name);
    importance_.columns = with_feedback(importance_.columns, *subject.hessian, *feedback_);
  }
  keep_hulls(measure_all(options));
}

std::vector<std::vector<RowQuantiser::Cost>> RowQuantiser::measure_all(
    const QuantiserOptions& options) {
  std::vector<std::vector<Cost>> costs(rows_);
  const double rms = std::sqrt(mean_square(weights_RC_));
  if (rms == 0) {
    measure({options.min_bits, to_half(1)}, costs);
    return costs;
  }
  for (const uint16_t scale : scale_ladder(rms))
    for (int64_t bits = options.min_bits; bits <= options.max_bits; ++bits) {
      if (clips_too_near(scale, bits, rms)) continue;
      const bool clipped = measure({bits, scale}, costs);
      if (!clipped) break;  // more bits would give the same codes
    }
  if (choices_.empty())  // next to the range of binary16, where no scale is coarse enough
    measure({options.max_bits, scale_ladder(rms).back()}, costs);
  return costs;
}

bool RowQuantiser::measure(const Choice& choice, std::vector<std::vector<Cost>>& costs) {
  const float scale = from_half(choice.scale), inverse = 1 / scale;
  const int largest = largest_code(choice.bits), symbols = 2 * largest + 1;
  const auto stride = static_cast<size_t>(symbols);
  std::vector<uint32_t> counts(rows_ * stride), pooled(stride);
  bool clipped = false;
  for (size_t row = 0; row < rows_; ++row) {
    const float* weights = &weights_RC_[row * columns_];
    uint32_t* row_counts = &counts[row * stride];
    double squared_errors = 0;
    for (size_t i = 0; i < columns_; ++i) {
      const int code = code_of(weights[i], inverse, static_cast<float>(largest));
      const double error = weights[i] - scale * static_cast<float>(code);
      squared_errors += importance_.columns[i] * error * error;
      ++row_counts[code + largest];
    }
    clipped = clipped || row_counts[0] > 0 || row_counts[stride - 1] > 0;
    for (size_t symbol = 0; symbol < stride; ++symbol) pooled[symbol] += row_counts[symbol];
    costs[row].push_back({.distortion = static_cast<float>(importance_.rows[row] * squared_errors),
                          .choice = static_cast<uint16_t>(choices_.size())});
  }
  choices_.push_back(choice);
  const std::vector<double> bits = code_bits(pooled);
  for (size_t row = 0; row < rows_; ++row)
    costs[row].back().bits = static_cast<float>(std::inner_product(
        bits.begin(), bits.end(), counts.begin() + static_cast<ptrdiff_t>(row * stride), 0.0));
  return clipped;
}

void RowQuantiser::keep_hulls(std::vector<std::vector<Cost>> costs) {
  for (std::vector<Cost>& of_row : costs) {
    keep_lower_hull(of_row, [](const Cost& cost) { return Forecast{cost.bits, cost.distortion}; });
    firsts_.push_back(costs_.size());
    costs_.insert(costs_.end(), of_row.begin(), of_row.end());
    of_row = {};
  }
  firsts_.push_back(costs_.size());
  costs_.shrink_to_fit();
}

const RowQuantiser::Cost& RowQuantiser::best(size_t row, double slope) const {
  const std::span of_row(&costs_[firsts_[row]], firsts_[row + 1] - firsts_[row]);
  return *std::ranges::min_element(
      of_row, {}, [&](const Cost& cost) { return cost.distortion + slope * cost.bits; });
}

Forecast RowQuantiser::forecast(double slope) const {
  Forecast sum;
  for (size_t row = 0; row < rows_; ++row) {
    const Cost& cost = best(row, slope);
    sum.bits += cost.bits + kScaleBits;
    sum.distortion += cost.distortion;
  }
  return sum;
}

QuantisedTensor RowQuantiser::quantise(double slope) const {
  std::string scales;
  std::vector<RowGrid> grids;
  double nominal_bits = 0;
  for (size_t row = 0; row < rows_; ++row) {
    const Choice& choice = choices_[best(row, slope).choice];
    append_half(scales, choice.scale);
    grids.push_back({from_half(choice.scale), static_cast<float>(largest_code(choice.bits))});
    nominal_bits += static_cast<double>(choice.bits);
  }
  return {.form = {Scheme::kRows},
          .streams = {std::move(scales),
                      row_codes(weights_RC_, grids, feedback_ ? &*feedback_ : nullptr)},
          .nominal_bits = nominal_bits / static_cast<double>(rows_)};
}

std::vector<float> dequantise_rows(std::string_view scales, std::string_view codes) {
  const size_t rows = scales.size() / 2, columns = codes.size() / rows;
  std::vector<float> values(codes.size());
  for (size_t row = 0; row < rows; ++row) {
    const float scale = half_at(scales, row);
    for (size_t i = row * columns; i < (row + 1) * columns; ++i)
      values[i] = scale * static_cast<float>(static_cast<signed char>(codes[i]));
  }
  return values;
}

}  // namespace reprise
