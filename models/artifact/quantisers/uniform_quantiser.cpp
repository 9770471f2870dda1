#include "models/artifact/quantisers/uniform_quantiser.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "models/artifact/quantisers/half_quantiser.h"
#include "models/artifact/quantisers/row_codes.h"
#include "models/artifact/quantisers/row_quantiser.h"

namespace reprise {
namespace {

/// Steps at which a tensor is measured, in powers of 2 of a row's root mean square; between them
/// both run straight.
constexpr double kFinestLog2Step = -7, kCoarsestLog2Step = 2, kLog2StepsApart = 0.25;
constexpr auto kLadderSteps =
    static_cast<size_t>((kCoarsestLog2Step - kFinestLog2Step) / kLog2StepsApart) + 1;

/// A row's own scale shares nothing with its neighbours'.
constexpr double kOwnScaleBits = 12;

double log2_step_at(size_t rung) {
  return kFinestLog2Step + kLog2StepsApart * static_cast<double>(rung);
}

double rms_of(std::span<const float> values) {
  double squares = 0;
  for (const float value : values) squares += static_cast<double>(value) * value;
  return std::sqrt(squares / static_cast<double>(values.size()));
}

double entropy_bits(std::span<const uint32_t> counts, double total) {
  double bits = 0;
  for (const uint32_t count : counts)
    if (count > 0) bits += count * std::log2(total / count);
  return bits;
}

uint16_t usable_scale(double scale) {
  const uint16_t half = to_half(static_cast<float>(std::min<double>(scale, kLargestHalf)));
  return std::max<uint16_t>(half, 1);  // 2^-24: rows that small come back as zeros
}

}  // namespace

UniformQuantiser::UniformQuantiser(const Subject& subject, const UniformOptions& options)
    : weights_RC_(subject.tensor.values),
      options_(options),
      rows_(static_cast<size_t>(subject.tensor.shape[0])),
      columns_(weights_RC_.size() / rows_),
      importance_(subject.importance) {
  if (subject.hessian) {
    feedback_.emplace(*subject.hessian, columns_, subject.tensor.name);
    importance_.columns = with_feedback(importance_.columns, *subject.hessian, *feedback_);
  }
  for (size_t row = 0; row < rows_; ++row)
    row_rms_.push_back(rms_of({&weights_RC_[row * columns_], columns_}));
  if (options.clip_sigma > 0) return;
  for (size_t rung = 0; rung < kLadderSteps; ++rung) ladder_.push_back(measure(log2_step_at(rung)));
  const auto most = std::ranges::max_element(ladder_, {}, &Forecast::bits);
  finest_log2_step_ = log2_step_at(static_cast<size_t>(most - ladder_.begin()));
}

/// A step d costs d^2 / 12 a weight and -log2 d bits, so at the best d the slope is d^2 ln 2 / 6.
double UniformQuantiser::log2_step(double slope) const {
  if (options_.clip_sigma > 0) return std::log2(options_.clip_sigma / largest_code(options_.bits));
  return std::clamp(0.5 * std::log2(6 * slope / std::numbers::ln2) - options_.finer_bits,
                    finest_log2_step_, kCoarsestLog2Step);
}

std::vector<uint16_t> UniformQuantiser::scales_at(double log2_step) const {
  std::vector<uint16_t> scales;
  for (const double rms : row_rms_) scales.push_back(usable_scale(rms * std::exp2(log2_step)));
  return scales;
}

Forecast UniformQuantiser::measure(double log2_step) const {
  const int largest = largest_code(options_.bits);
  std::vector<uint32_t> counts(static_cast<size_t>(2 * largest + 1));
  const std::vector<uint16_t> scales = scales_at(log2_step);
  Forecast sum;
  for (size_t row = 0; row < rows_; ++row) {
    const float scale = from_half(scales[row]), inverse = 1 / scale;
    double distortion = 0;
    for (size_t i = 0; i < columns_; ++i) {
      const float weight = weights_RC_[row * columns_ + i];
      const int code = code_of(weight, inverse, static_cast<float>(largest));
      const double error = weight - scale * static_cast<float>(code);
      distortion += importance_.columns[i] * error * error;
      ++counts[static_cast<size_t>(code + largest)];
    }
    sum.distortion += importance_.rows[row] * distortion;
  }
  sum.bits = entropy_bits(counts, static_cast<double>(weights_RC_.size())) +
             kOwnScaleBits * static_cast<double>(rows_);
  return sum;
}

Forecast UniformQuantiser::forecast(double slope) const {
  const double at = log2_step(slope);
  if (ladder_.empty()) return measure(at);
  const double place = (at - kFinestLog2Step) / kLog2StepsApart;
  const auto rung = std::min(static_cast<size_t>(place), kLadderSteps - 2);
  const double share = place - static_cast<double>(rung);
  const Forecast &finer = ladder_[rung], &coarser = ladder_[rung + 1];
  return {std::lerp(finer.bits, coarser.bits, share),
          std::lerp(finer.distortion, coarser.distortion, share)};
}

QuantisedTensor UniformQuantiser::quantise(double slope) const {
  std::string stream;
  std::vector<RowGrid> grids;
  for (const uint16_t scale : scales_at(log2_step(slope))) {
    append_half(stream, scale);
    grids.push_back({from_half(scale), static_cast<float>(largest_code(options_.bits))});
  }
  return {.form = {Scheme::kRows},
          .streams = {std::move(stream),
                      row_codes(weights_RC_, grids, feedback_ ? &*feedback_ : nullptr)},
          .nominal_bits = static_cast<double>(options_.bits)};
}

}  // namespace reprise
