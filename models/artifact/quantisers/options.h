// How the tensors of a model are stored.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/artifact/quantisers/form.h"

namespace reprise {

struct QuantiserOptions {
  std::vector<std::string> schemes{"rows"};
  int64_t min_bits = 4, max_bits = 8;
  int64_t half_elements = 1024;

  template <class Visitor>
  void visit(Visitor&& field) {
    field("schemes", schemes, "",
          "what a matrix may be stored as; where there are several, each takes the one that loses "
          "least for its bytes: rows");
    field("min-bits", min_bits, "bits", "rows: narrowest integers of a row, 2 to max-bits");
    field("max-bits", max_bits, "bits", "rows: widest integers of a row, min-bits to 8");
    field("half-elements", half_elements, "weights",
          "tensors up to this size stay binary16, as all vectors do");
  }
};

/// The schemes that are named; throws kUsage for a name that is none of a matrix's.
std::vector<Scheme> matrix_schemes(const QuantiserOptions& options);

/// Throws kUsage, in one line, where a value is out of range.
void validate(const QuantiserOptions& options);

}  // namespace reprise
