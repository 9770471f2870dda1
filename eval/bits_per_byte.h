// The one definition of the score: bits per byte = nats / ln 2 / bytes of source text, in double
// precision.
#pragma once

#include "base/units.h"

namespace reprise {

inline double bits_per_byte(Nats nats, Bytes bytes) {
  return to_bits(nats).value / static_cast<double>(bytes.value);
}

}  // namespace reprise
