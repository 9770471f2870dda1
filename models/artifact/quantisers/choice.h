// Several ways to store one tensor: at every slope the one that costs least there.
#pragma once

#include <memory>
#include <vector>

#include "models/artifact/quantisers/quantiser.h"

namespace reprise {

class Choice : public Quantiser {
 public:
  /// At least one; of equals the first is taken.
  explicit Choice(std::vector<std::unique_ptr<Quantiser>> ways) : ways_(std::move(ways)) {}
  Forecast forecast(double slope) const override;
  QuantisedTensor quantise(double slope) const override;

 private:
  const Quantiser& best(double slope) const;

  std::vector<std::unique_ptr<Quantiser>> ways_;
};

}  // namespace reprise
