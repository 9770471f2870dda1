// Few numbers that stand for many: k-means on a line, weighted by importance, and with a price on
// the entropy of which number is taken.
//
// The numbers are counted into narrow bins first, whose sums make a step of the iteration cost as
// much as there are centroids, not numbers. On a line the numbers that go to one centroid lie side
// by side, also where a bit has a price (Chou, Lookabaugh and Gray, "Entropy-constrained vector
// quantization", 1989), so that a prefix sum gives what a step needs of each.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "models/artifact/quantisers/line_division.h"

namespace reprise {

/// A distribution of numbers u of importance I: sums over bins of equal width.
class Histogram {
 public:
  struct Sums {
    double count = 0, importance = 0, first = 0, second = 0;  ///< of 1, I, I u and I u^2
    Sums& operator+=(const Sums& other);
    Sums operator-(const Sums& other) const;
    /// sum I (u - centroid)^2
    double error(double centroid) const;
  };

  /// Of numbers within `largest` of 0, about one in spread.
  explicit Histogram(float largest);
  void add(float value, double importance);
  size_t bin(float value) const {
    return static_cast<size_t>(value * bins_per_unit_ + static_cast<float>(half_) + 0.5F);
  }
  size_t bins() const { return sums_.size(); }
  float centre(size_t bin) const {
    return (static_cast<float>(bin) - static_cast<float>(half_)) / bins_per_unit_;
  }
  double width() const { return 1 / static_cast<double>(bins_per_unit_); }
  const std::vector<Sums>& sums() const { return sums_; }

 private:
  float bins_per_unit_;
  size_t half_;  ///< the bin of 0
  std::vector<Sums> sums_;
};

struct ScalarCodebook {
  std::vector<float> centroids;  ///< ascending; all are used
  std::vector<size_t> firsts;    ///< the first bin of each centroid's
  std::vector<double> bits;      ///< of each centroid's code, by how often it is taken
  double distortion = 0;         ///< sum I (u - its centroid)^2
  double entropy_bits = 0;       ///< of all numbers' codes
};

/// Least distortion + price * bits, as far as iteration from a start gets.
class ScalarKMeans {
 public:
  explicit ScalarKMeans(const Histogram& histogram);

  /// The best divisions of the bins for all numbers of centroids at once, bits being free.
  LineDivision divide(size_t most) const;
  /// From such a division, exact but for the width of the bins.
  ScalarCodebook fit(const LineDivision& division, size_t entries) const;
  /// From what was found at another price; centroids that are never taken go.
  ScalarCodebook fit(ScalarCodebook start, double price) const;

 private:
  ScalarCodebook assign(const ScalarCodebook& codebook, double price) const;
  ScalarCodebook describe(std::span<const size_t> firsts) const;

  double half_width_;
  std::vector<size_t> bins_;             ///< those that hold a number, and
  std::vector<double> centres_;          ///< their middles
  std::vector<size_t> groups_;           ///< places in bins_, and its end
  std::vector<Histogram::Sums> before_;  ///< the sums over all bins before each, and over all
};

}  // namespace reprise
