// Centroids re-fitted with every weight's index frozen.
#pragma once

#include <string_view>
#include <vector>

#include "models/artifact/quantisers/subject.h"

namespace reprise {

/// A matrix in which weight ij is scales[i] * centroids[indices[ij]].
struct IndexedMatrix {
  std::vector<float> scales;     ///< [rows]
  std::string_view indices;      ///< [rows, columns]
  std::vector<float> centroids;  ///< [entries]
};

/// The centroids of least sum_i rows_i dW_i H dW_i^T (subject.hessian, which is not null), the
/// error at the output of the matrix where the importance of inputs only knows columns one by one:
/// a linear least-squares problem of as many unknowns as there are entries. Takes columns^2
/// operations a row. Centroids that no index names stay.
std::vector<float> fit_centroids(const Subject& subject, const IndexedMatrix& matrix);

/// sum_i rows_i dW_i H dW_i^T.
double output_error(const Subject& subject, const IndexedMatrix& matrix);

}  // namespace reprise
