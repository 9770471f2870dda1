// Small symmetric positive definite systems, as least squares makes them.
#pragma once

#include <span>

namespace reprise {

/// Solves A x = b; A is [n, n] row-major, of which the upper triangle is read and overwritten, x
/// replaces b. A share of the mean of the diagonal is added to it, which pulls what A says nothing
/// about to 0; false, and b is undefined, where A is not positive definite even then.
bool solve_least_squares(std::span<double> matrix, std::span<double> right_side);

}  // namespace reprise
