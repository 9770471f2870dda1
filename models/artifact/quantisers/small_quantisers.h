// Tensors that have no codes: binary32 as it is, or one E4M3 number an element under one scale of
// the tensor. Both are what they are whatever the slope.
#pragma once

#include <string_view>
#include <vector>

#include "models/artifact/quantisers/quantiser.h"

namespace reprise {

/// Every bit of every weight: what a model is compared with before it is packed.
class SingleQuantiser : public Quantiser {
 public:
  explicit SingleQuantiser(const HostTensor& tensor) : tensor_(tensor) {}
  Forecast forecast(double slope) const override;
  QuantisedTensor quantise(double slope) const override;

 private:
  const HostTensor& tensor_;
};

/// weight = scale * number; the scale is the least binary16 under which no weight is clipped.
class Float8Quantiser : public Quantiser {
 public:
  /// Weights within binary16.
  explicit Float8Quantiser(const HostTensor& tensor) : tensor_(tensor) {}
  Forecast forecast(double slope) const override;
  QuantisedTensor quantise(double slope) const override;

 private:
  const HostTensor& tensor_;
};

std::vector<float> dequantise_single(std::string_view values);
std::vector<float> dequantise_float8(std::string_view scale, std::string_view values);

}  // namespace reprise
