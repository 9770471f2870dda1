#include "models/artifact/quantisers/scalar_codebook.h"

#include <algorithm>
#include <cmath>

namespace reprise {
namespace {

/// Bins a unit, and at most: outliers widen the bins rather than fill the memory.
constexpr float kBinsPerUnit = 512, kMostBins = 1 << 20;

/// Places that are divided exactly; more bins are taken some at a time.
constexpr size_t kMostPlaces = 2048;

constexpr int kMostSteps = 200;
constexpr double kLeastGain = 1e-6;  ///< of the cost, in a step

/// Where on the line the cost of one centroid's code begins to lie below that of another's on its
/// left: (u - c)^2 + price * bits are equal there.
double boundary(double left, double left_price, double right, double right_price) {
  return (right * right + right_price - left * left - left_price) / (2 * (right - left));
}

}  // namespace

Histogram::Sums& Histogram::Sums::operator+=(const Sums& other) {
  count += other.count;
  importance += other.importance;
  first += other.first;
  second += other.second;
  return *this;
}

Histogram::Sums Histogram::Sums::operator-(const Sums& other) const {
  return {count - other.count, importance - other.importance, first - other.first,
          second - other.second};
}

double Histogram::Sums::error(double centroid) const {
  return std::max(0.0, second - 2 * centroid * first + centroid * centroid * importance);
}

Histogram::Histogram(float largest)
    : bins_per_unit_(std::min(kBinsPerUnit, kMostBins / 2 / std::max(largest, 1.0F))),
      half_(static_cast<size_t>(largest * bins_per_unit_) + 1),
      sums_(2 * half_ + 1) {}

void Histogram::add(float value, double importance) {
  const double weighted = importance * value;
  sums_[bin(value)] += {1, importance, weighted, weighted * value};
}

ScalarKMeans::ScalarKMeans(const Histogram& histogram)
    : half_width_(histogram.width() / 2), before_(1) {
  for (size_t bin = 0; bin < histogram.bins(); ++bin) {
    const Histogram::Sums& sums = histogram.sums()[bin];
    if (sums.count == 0) continue;
    bins_.push_back(bin);
    centres_.push_back(histogram.centre(bin));
    before_.push_back(before_.back());
    before_.back() += sums;
  }
  const size_t together = (bins_.size() + kMostPlaces - 1) / kMostPlaces;
  for (size_t first = 0; first < bins_.size(); first += together) groups_.push_back(first);
  groups_.push_back(bins_.size());
}

/// The codebook of a division of the bins; `firsts` are places in bins_.
ScalarCodebook ScalarKMeans::describe(std::span<const size_t> firsts) const {
  ScalarCodebook codebook;
  for (size_t i = 0; i < firsts.size(); ++i) {
    const size_t end = i + 1 < firsts.size() ? firsts[i + 1] : bins_.size();
    const Histogram::Sums sums = before_[end] - before_[firsts[i]];
    const double mean = sums.importance > 0 ? sums.first / sums.importance : centres_[firsts[i]];
    // Where its numbers hardly count, what they leave of the prefix sums is noise.
    codebook.centroids.push_back(static_cast<float>(
        std::clamp(mean, centres_[firsts[i]] - half_width_, centres_[end - 1] + half_width_)));
    codebook.firsts.push_back(bins_[firsts[i]]);
    codebook.bits.push_back(std::log2(before_.back().count / sums.count));
    codebook.distortion += sums.error(codebook.centroids.back());
    codebook.entropy_bits += sums.count * codebook.bits.back();
  }
  return codebook;
}

LineDivision ScalarKMeans::divide(size_t most) const {
  return {groups_.size() - 1, most, [&](size_t from, size_t to) {
            const Histogram::Sums sums = before_[groups_[to]] - before_[groups_[from]];
            return sums.importance > 0 ? sums.error(sums.first / sums.importance) : 0;
          }};
}

ScalarCodebook ScalarKMeans::fit(const LineDivision& division, size_t entries) const {
  std::vector<size_t> firsts = division.firsts(entries);
  for (size_t& first : firsts) first = groups_[first];
  return fit(describe(firsts), 0);
}

/// Every bin to the centroid that is cheapest at its middle.
ScalarCodebook ScalarKMeans::assign(const ScalarCodebook& codebook, double price) const {
  struct Reach {
    double centroid, price, from;
  };
  std::vector<Reach> reaches;
  for (size_t i = 0; i < codebook.centroids.size(); ++i) {
    Reach reach{codebook.centroids[i], price * codebook.bits[i], centres_.front()};
    while (!reaches.empty()) {
      const Reach& left = reaches.back();
      if (left.centroid == reach.centroid) {  // two bins of one weight far from their middles
        reach.price = std::min(reach.price, left.price);
        reaches.pop_back();
        continue;
      }
      reach.from = boundary(left.centroid, left.price, reach.centroid, reach.price);
      if (reach.from > left.from) break;
      reaches.pop_back();
    }
    if (reaches.empty()) reach.from = centres_.front();
    reaches.push_back(reach);
  }
  std::vector<size_t> firsts;
  for (const Reach& reach : reaches) {
    const auto place =
        static_cast<size_t>(std::ranges::lower_bound(centres_, reach.from) - centres_.begin());
    if (place == bins_.size()) break;
    if (!firsts.empty() && firsts.back() == place) continue;  // what lay before holds no number
    firsts.push_back(place);
  }
  return describe(firsts);
}

ScalarCodebook ScalarKMeans::fit(ScalarCodebook codebook, double price) const {
  const Histogram::Sums& all = before_.back();
  if (all.importance == 0) return describe(std::vector<size_t>{0});
  const double relative_price = price * all.count / all.importance;
  const auto cost = [&](const ScalarCodebook& of) {
    return of.distortion + price * of.entropy_bits;
  };
  for (int step = 0; step < kMostSteps; ++step) {
    ScalarCodebook next = assign(codebook, relative_price);
    const double gain = cost(codebook) - cost(next);
    if (gain > 0 || next.centroids.size() < codebook.centroids.size()) codebook = std::move(next);
    if (gain <= kLeastGain * cost(codebook)) break;
  }
  return codebook;
}

}  // namespace reprise
