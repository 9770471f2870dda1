// Correction of p-values where several questions are asked of the same data.
#pragma once

#include <span>
#include <vector>

namespace reprise {

/// Holm's step-down p-values, in the order given: with p sorted upwards, the j-th of k becomes
/// max over i <= j of min(1, (k − i + 1) · p_i). Holm, Scandinavian Journal of Statistics 6, 1979.
std::vector<double> holm(std::span<const double> p_values);

}  // namespace reprise
