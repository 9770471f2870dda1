// A quantiser turns one tensor into streams of bytes. How fine it is follows from a single number
// shared by all tensors, the slope: what a bit must buy. Every choice inside (bits, clip, form)
// minimises
//
//   distortion + slope * bits
//
// so that at any file size no bit would do more good elsewhere (Shoham and Gersho, "Efficient bit
// allocation for an arbitrary set of quantizers", 1988). Distortion is that of subject.h.
//
//   auto quantiser = make_quantiser(subject, options);     // measures its choices once
//   double bits = quantiser->forecast(slope).bits;         // cheap: for the search
//   QuantisedTensor quantised = quantiser->quantise(slope);
//   std::vector<float> values = dequantise({name, quantised.form, shape}, streams);
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "models/artifact/quantisers/form.h"
#include "models/artifact/quantisers/options.h"
#include "models/artifact/quantisers/subject.h"

namespace reprise {

struct Forecast {
  double bits = 0;  ///< entropy of the streams; the coders come within about 1 %
  double distortion = 0;
};

struct QuantisedTensor {
  Form form = {};
  std::vector<std::string> streams;  ///< as TensorShape::streams() lists them
  double nominal_bits = 0;           ///< mean over the weights of the width of their codes
};

/// The values a reader gets for `tensor`.
std::vector<float> dequantise(const QuantisedTensor& quantised, const HostTensor& tensor);

class Quantiser {
 public:
  virtual ~Quantiser() = default;
  virtual Forecast forecast(double slope) const = 0;
  virtual QuantisedTensor quantise(double slope) const = 0;
};

/// Whether a tensor of this shape becomes codes, of the schemes that are asked for, or is small
/// enough to be kept as values.
bool stored_as_codes(std::span<const int64_t> shape, const QuantiserOptions& options);

/// Throws kBadInput, naming the tensor, where a weight is not finite or lies beyond binary16.
std::unique_ptr<Quantiser> make_quantiser(Subject subject, const QuantiserOptions& options);

}  // namespace reprise
