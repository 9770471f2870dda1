// How the tensors of a model are stored.
#pragma once

#include <cstdint>

namespace reprise {

struct QuantiserOptions {
  int64_t min_bits = 4, max_bits = 8;
  int64_t half_elements = 1024;

  template <class Visitor>
  void visit(Visitor&& field) {
    field("min-bits", min_bits, "bits", "narrowest integers of a row, 4 to max-bits");
    field("max-bits", max_bits, "bits", "widest integers of a row, min-bits to 8");
    field("half-elements", half_elements, "weights",
          "tensors up to this size stay binary16, as all vectors do");
  }
};

}  // namespace reprise
