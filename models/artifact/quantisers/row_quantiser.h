// Row-wise symmetric integers: weight = scale of its row * code, codes in [-(2^(b-1) - 1),
// 2^(b-1) - 1].
//
// A row chooses its bits b and its scale, and with both its clip, scale * (2^(b-1) - 1). Scales are
// taken from one ladder, powers of 2^(1/4), so that neighbouring rows share them and they code to a
// few bits. Since codes are entropy coded, b does not fix what a row costs; a coarser scale makes
// any b cheaper, and a wider b only spares the outliers the clip.
//
// With a Hessian the codes are rounded with error feedback (feedback.h), and a column counts as
// much as its errors then cost.
#pragma once

#include <optional>

#include "models/artifact/quantisers/feedback.h"
#include "models/artifact/quantisers/quantiser.h"

namespace reprise {

/// What a scale of the ladder codes to, about; counted so that the forecast of small rows is right.
inline constexpr double kScaleBits = 3;

class RowQuantiser : public Quantiser {
 public:
  RowQuantiser(const Subject& subject, const QuantiserOptions& options);
  Forecast forecast(double slope) const override;
  QuantisedTensor quantise(double slope) const override;

 private:
  struct Choice {
    int64_t bits = 8;
    uint16_t scale = 0;  ///< binary16
  };
  /// What a row would cost under one choice.
  struct Cost {
    float bits = 0;
    float distortion = 0;
    uint16_t choice = 0;  ///< index into choices_
  };

  /// Appends every row's cost to `costs`; whether the choice clips.
  bool measure(const Choice& choice, std::vector<std::vector<Cost>>& costs);
  std::vector<std::vector<Cost>> measure_all(const QuantiserOptions& options);
  /// Leaves of each row's costs those that some slope takes.
  void keep_hulls(std::vector<std::vector<Cost>> costs);
  const Cost& best(size_t row, double slope) const;

  const std::vector<float>& weights_RC_;
  size_t rows_, columns_;
  Importance importance_;
  std::optional<Feedback> feedback_;
  std::vector<Choice> choices_;
  std::vector<Cost> costs_;     ///< of one row after the other, bits rising
  std::vector<size_t> firsts_;  ///< of each row, its first in costs_; then the end
};

/// The largest code of `bits` bits.
int largest_code(int64_t bits);

/// The scales that a row of `bits` bits chooses from, in a tensor of this root mean square, finest
/// first; for training that meets the quantiser before the packer does.
std::vector<float> row_scales(double rms, int64_t bits);

std::vector<float> dequantise_rows(std::string_view scales, std::string_view codes);

}  // namespace reprise
