// Decoupled precision: a body of one bit a weight, and beside it a branch of low rank in int8:
//
//   weight[i, j] = scale[i] * sign[i, j] + sum_k left[i, k] right[k, j]
//
// One-bit weights with a scale: BitNet (Wang et al., arXiv:2310.11453; in ternary Ma et al.,
// arXiv:2402.17764); signs beside a decomposition of low rank: OneBit (Xu et al.,
// arXiv:2402.11295). The branch takes the tensor's largest directions, then body and branch are
// fitted in turns, each to what the other leaves.
//
// Signs do not compress, so what a slope chooses is the rank of the branch.
#pragma once

#include <string_view>
#include <vector>

#include "models/artifact/quantisers/factors.h"
#include "models/artifact/quantisers/quantiser.h"

namespace reprise {

class BinaryQuantiser : public Quantiser {
 public:
  explicit BinaryQuantiser(const Subject& subject);
  Forecast forecast(double slope) const override;
  QuantisedTensor quantise(double slope) const override;

 private:
  /// The tensor at one rank.
  struct Point {
    int64_t rank = 0;
    Forecast cost;
    std::string scales, signs, branch;
  };

  static Point fit(const Subject& subject, int64_t rank);
  const Point& best(double slope) const;

  std::vector<Point> points_;
  double rows_ = 0, columns_ = 0;
};

/// Bytes of the signs of one row: a bit each, the first weight's lowest, 1 where it is negative;
/// the last byte filled up with zeros.
int64_t sign_bytes(int64_t columns);

/// The body alone. `columns` of the tensor.
std::vector<float> dequantise_binary(std::string_view scales, std::string_view signs,
                                     int64_t columns);

}  // namespace reprise
