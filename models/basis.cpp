#include "models/basis.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "base/random.h"

namespace reprise {

at::Tensor draw_terms(const BasisPattern& pattern, uint32_t matrix) {
  const auto [rows, terms, rank] = pattern;
  const RandomStream stream(0, Purpose::kBasisTerms, matrix);
  const at::Tensor chosen_FK = at::empty({rows, terms}, at::kLong);
  int64_t* row = chosen_FK.mutable_data_ptr<int64_t>();
  for (int64_t f = 0; f < rows; ++f, row += terms) {
    // Floyd's sample of K out of r: Bentley, "Programming pearls", CACM 30(9), 1987.
    for (int64_t k = 0; k < terms; ++k) {
      const int64_t last = rank - terms + k;
      const auto drawn = static_cast<int64_t>(
          stream.below(static_cast<uint64_t>(f * terms + k), static_cast<uint64_t>(last) + 1));
      row[k] = std::find(row, row + k, drawn) == row + k ? drawn : last;
    }
    std::sort(row, row + terms);
  }
  return chosen_FK;
}

at::Tensor built_from_basis(const at::Tensor& terms_FK, const at::Tensor& chosen_FK,
                            const at::Tensor& basis_RD) {
  const at::Tensor empty_FR =
      at::zeros({terms_FK.size(0), basis_RD.size(0)}, terms_FK.options().requires_grad(false));
  return at::mm(empty_FR.scatter(1, chosen_FK, terms_FK), basis_RD);
}

}  // namespace reprise
