// Chooses codebooks and codes of additive.h for a matrix: one quantiser for one size of the
// codebooks, which encodes at once, since nothing but the result tells how good it will be.
//
// Vectors are coded over their rows' root mean squares, weighted by importance; where there is a
// Hessian, by its blocks of `vector` columns instead, which know how errors of neighbours add up.
// The codebooks start from a k-means of the vectors and one of what that leaves (residual
// quantisation), then codes and codebooks take turns, first on some of the rows, then on all.
#pragma once

#include "models/artifact/quantisers/additive.h"
#include "models/artifact/quantisers/quantiser.h"

namespace reprise {

struct AdditiveOptions {
  size_t entries = 256, vector = 8;
  size_t beam = 8;
  /// Turns of codes and codebooks on some of the rows, and on all.
  int sample_turns = 8, turns = 2;
};

struct AdditiveCode {
  Codebooks codebooks;  ///< values of binary16
  VectorCodes codes;
  std::vector<double> sample_errors, errors;  ///< after each turn
};

AdditiveCode encode_additive(const VectorProblem& problem, const AdditiveOptions& options);

class AdditiveQuantiser : public Quantiser {
 public:
  AdditiveQuantiser(const Subject& subject, AdditiveOptions options);
  Forecast forecast(double) const override { return forecast_; }
  QuantisedTensor quantise(double) const override { return quantised_; }

 private:
  Forecast forecast_;
  QuantisedTensor quantised_;
};

/// One for each of a few sizes of the codebooks, from about one bit a weight to four.
std::unique_ptr<Quantiser> make_additive_quantiser(const Subject& subject);

}  // namespace reprise
