// Rows of integers of one width, whose step is the same share of every row's root mean square: each
// weight gets the same number of bits, whatever its errors cost. The control that an allocation of
// bits has to beat, and what rules made by hand are made of.
//
// With k the clip in root mean squares, step = k / largest code, and the entropy of the codes is
// about b - log2 k + const: the slope moves k.
#pragma once

#include <optional>

#include "models/artifact/quantisers/feedback.h"
#include "models/artifact/quantisers/quantiser.h"

namespace reprise {

struct UniformOptions {
  int64_t bits = 8;       ///< width of the codes
  double finer_bits = 0;  ///< each halves the step
  /// Clip in root mean squares of a row, at any slope; 0: the slope decides.
  double clip_sigma = 0;
};

class UniformQuantiser : public Quantiser {
 public:
  UniformQuantiser(const Subject& subject, const UniformOptions& options);
  Forecast forecast(double slope) const override;
  QuantisedTensor quantise(double slope) const override;

 private:
  double log2_step(double slope) const;  ///< of a row's root mean square
  std::vector<uint16_t> scales_at(double log2_step) const;
  Forecast measure(double log2_step) const;

  const std::vector<float>& weights_RC_;
  const UniformOptions options_;
  size_t rows_, columns_;
  Importance importance_;
  std::optional<Feedback> feedback_;
  std::vector<double> row_rms_;
  /// A finer one clips so many weights that it takes fewer bits again.
  double finest_log2_step_ = 0;
  std::vector<Forecast> ladder_;  ///< at steps of uniform_quantiser.cpp's ladder
};

}  // namespace reprise
