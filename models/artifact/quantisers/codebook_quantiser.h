// One codebook of up to 256 numbers for a matrix: weight = scale of its row * codebook[index].
//
// The codebook is a k-means of the weights over their rows' scales, each weighted by its importance
// (Kim et al., "SqueezeLLM", arXiv:2306.07629), with a price on the entropy of the indices: a list
// of codebooks from fine to coarse, measured once, of which a slope takes the one that costs least.
// Rows share one scale or have each their own root mean square, whichever costs less.
#pragma once

#include "models/artifact/quantisers/quantiser.h"
#include "models/artifact/quantisers/scalar_codebook.h"

namespace reprise {

class CodebookQuantiser : public Quantiser {
 public:
  /// 256 indices fit a byte.
  static constexpr int64_t kMostEntries = 256;

  explicit CodebookQuantiser(Subject subject);
  Forecast forecast(double slope) const override;
  /// With a Hessian the centroids are fitted anew to the error at the matrix's output.
  QuantisedTensor quantise(double slope) const override;

 private:
  /// The weights over one choice of scales.
  struct Scaled {
    std::vector<uint16_t> scales;  ///< [rows], binary16
    double scale_bits;             ///< what a scale codes to, about
    double lost;                   ///< distortion of the rows whose scale is 0
    Histogram histogram;
  };
  struct Point {
    size_t scaled = 0;  ///< index into scaled_
    ScalarCodebook codebook;
    Forecast forecast;
    /// Centroids by the Hessian, from the first time that the point is taken: fitting them costs
    /// more than all else, and a search for a size comes back to few points.
    mutable std::vector<float> fitted = {};
  };

  void add_scaled(std::vector<uint16_t> scales, double scale_bits);
  void add_points(size_t scaled);
  void add_point(size_t scaled, ScalarCodebook codebook);
  const Point& best(double slope) const;
  std::string indices(const Point& point) const;
  const std::vector<float>& centroids(const Point& point, std::string_view indices) const;

  std::vector<double> hessian_;  ///< that of subject_; empty for none
  Subject subject_;
  const std::vector<float>& weights_;
  size_t rows_, columns_;
  std::vector<Scaled> scaled_;
  std::vector<Point> points_;
};

/// scales: one binary16 a row; codebook: one binary16 an entry; codes: a byte a weight, index -
/// entries / 2, so that they are signed and small where weights are, as coders expect. Throws
/// kBadInput for an index beyond the codebook.
std::vector<float> dequantise_codebook(std::string_view scales, std::string_view codebook,
                                       std::string_view codes);

/// From indices to codes.
std::string centre_indices(std::string indices, size_t entries);

}  // namespace reprise
