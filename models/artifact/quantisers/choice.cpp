#include "models/artifact/quantisers/choice.h"

#include <algorithm>

namespace reprise {

const Quantiser& Choice::best(double slope) const {
  return **std::ranges::min_element(ways_, {}, [&](const std::unique_ptr<Quantiser>& way) {
    const Forecast forecast = way->forecast(slope);
    return forecast.distortion + slope * forecast.bits;
  });
}

Forecast Choice::forecast(double slope) const { return best(slope).forecast(slope); }

QuantisedTensor Choice::quantise(double slope) const { return best(slope).quantise(slope); }

}  // namespace reprise
