// A quantiser turns one tensor into streams of bytes. How fine it is follows from a single number
// shared by all tensors, the slope: what a bit must buy. Every choice inside (bits, clip) minimises
//
//   distortion + slope * bits
//
// so that at any file size no bit would do more good elsewhere (Shoham and Gersho, "Efficient bit
// allocation for an arbitrary set of quantizers", 1988). Distortion is the sum of squared errors
// over the tensor's mean square: a weight's error counts relative to its tensor.
//
//   auto quantiser = make_quantiser(tensor, options);      // measures its choices once
//   double bits = quantiser->forecast(slope).bits;         // cheap: for the search
//   QuantisedTensor quantised = quantiser->quantise(slope);
//   std::vector<float> values = dequantise(shape, streams); // what a loader does
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/artifact/quantisers/host_tensor.h"
#include "models/artifact/quantisers/options.h"
#include "models/artifact/quantisers/scheme.h"

namespace reprise {

struct Forecast {
  double bits = 0;  ///< entropy of the streams; the coders come within about 1 %
  double distortion = 0;
};

struct QuantisedTensor {
  std::vector<std::string> streams;  ///< as TensorShape::streams() lists them
  double nominal_bits = 0;           ///< mean over the weights of the width of their codes
};

class Quantiser {
 public:
  virtual ~Quantiser() = default;
  virtual Scheme scheme() const = 0;
  virtual Forecast forecast(double slope) const = 0;
  virtual QuantisedTensor quantise(double slope) const = 0;
};

/// Whether a tensor of this shape becomes rows of integers.
bool stored_as_rows(std::span<const int64_t> shape, const QuantiserOptions& options);

/// Keeps a reference to `tensor`. Throws kBadInput, naming it, where a weight is not finite or lies
/// beyond binary16.
std::unique_ptr<Quantiser> make_quantiser(const HostTensor& tensor,
                                          const QuantiserOptions& options);

/// The values of streams that have the lengths of `shape.streams()`.
std::vector<float> dequantise(const TensorShape& shape, std::span<const std::string_view> streams);

}  // namespace reprise
