// Tensors too small to be worth a scale: one binary16 an element, whatever the slope.
#pragma once

#include "models/artifact/quantisers/half.h"
#include "models/artifact/quantisers/quantiser.h"

namespace reprise {

class HalfQuantiser : public Quantiser {
 public:
  explicit HalfQuantiser(const HostTensor& tensor) : tensor_(tensor) {}
  Forecast forecast(double slope) const override;
  QuantisedTensor quantise(double slope) const override;

 private:
  const HostTensor& tensor_;
};

std::vector<float> dequantise_half(std::string_view values);

/// Little-endian binary16, the element of both quantisers' streams.
void append_half(std::string& stream, uint16_t half);
float half_at(std::string_view stream, size_t index);

}  // namespace reprise
