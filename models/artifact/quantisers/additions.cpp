#include "models/artifact/quantisers/additions.h"

#include <algorithm>

#include "base/error.h"
#include "models/artifact/quantisers/factors.h"
#include "models/artifact/quantisers/hadamard.h"
#include "models/artifact/quantisers/half_quantiser.h"

namespace reprise {
namespace {

FactorShape factor_shape(const TensorShape& tensor) {
  return {tensor.rows(), tensor.columns(), tensor.form.rank};
}

std::vector<size_t> read_indices(const TensorShape& tensor, std::string_view stream) {
  const auto width = static_cast<size_t>(index_bytes(tensor.columns()));
  std::vector<size_t> indices;
  for (size_t first = 0; first < stream.size(); first += width) {
    size_t index = 0;
    for (size_t byte = 0; byte < width; ++byte)
      index |= static_cast<size_t>(static_cast<uint8_t>(stream[first + byte])) << 8 * byte;
    require(index < static_cast<size_t>(tensor.columns()) &&
                (indices.empty() || index > indices.back()),
            ExitCode::kBadInput, "tensor ", tensor.name, " keeps apart columns out of order");
    indices.push_back(index);
  }
  return indices;
}

void put_columns(const TensorShape& tensor, std::span<const std::string_view> streams,
                 std::vector<float>& values) {
  const std::vector<size_t> indices = read_indices(tensor, streams[0]);
  const auto rows = static_cast<size_t>(tensor.rows());
  const auto columns = static_cast<size_t>(tensor.columns());
  for (size_t k = 0; k < indices.size(); ++k)
    for (size_t i = 0; i < rows; ++i)
      values[i * columns + indices[k]] = half_at(streams[1], k * rows + i);
}

}  // namespace

bool takes_additions(Scheme scheme) {
  return scheme != Scheme::kHalf && scheme != Scheme::kSingle && scheme != Scheme::kFloat8;
}

int64_t index_bytes(int64_t columns) { return columns <= 65'536 ? 2 : 4; }

void check_additions(const TensorShape& tensor) {
  const Form& form = tensor.form;
  const bool none = form.outliers == 0 && form.rank == 0 && form.rotated == 0;
  const bool fitting =
      0 <= form.outliers && form.outliers < tensor.columns() && 0 <= form.rank &&
      form.rank <= std::min({tensor.rows(), tensor.columns(), kLargestResidualRank}) &&
      (form.rotated == 0 || (form.rotated == 1 && tensor.columns() % 2 == 0));
  require(none || takes_additions(form.scheme), ExitCode::kBadInput, "tensor ", tensor.name,
          " has additions for which the scheme ", enum_name(form.scheme), " has no place");
  require(fitting, ExitCode::kBadInput, "tensor ", tensor.name,
          " has outliers, a rank or a rotation that its shape does not allow");
}

std::vector<StreamLayout> added_streams(const TensorShape& tensor) {
  std::vector<StreamLayout> streams;
  if (tensor.form.rank > 0)
    streams.push_back({.cause = Cause::kResidual, .bytes = factor_bytes(factor_shape(tensor))});
  if (const int64_t outliers = tensor.form.outliers; outliers > 0) {
    const int64_t width = index_bytes(tensor.columns());
    streams.push_back(
        {.cause = Cause::kOutliers, .bytes = width * outliers, .element_bytes = width});
    streams.push_back(
        {.cause = Cause::kOutliers, .bytes = 2 * outliers * tensor.rows(), .element_bytes = 2});
  }
  return streams;
}

void apply_additions(const TensorShape& tensor, std::span<const std::string_view> streams,
                     std::vector<float>& values) {
  if (tensor.form.rank > 0) {
    add_factors(factor_shape(tensor), streams[0], values);
    streams = streams.subspan(1);
  }
  if (tensor.form.rotated) rotate_rows_back(values, tensor.columns());
  if (tensor.form.outliers > 0) put_columns(tensor, streams, values);
}

}  // namespace reprise
