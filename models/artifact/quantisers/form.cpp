#include "models/artifact/quantisers/form.h"

#include "base/error.h"
#include "models/artifact/quantisers/additions.h"
#include "models/artifact/quantisers/additive.h"
#include "models/artifact/quantisers/binary_quantiser.h"
#include "models/artifact/quantisers/codebook_quantiser.h"
#include "models/artifact/quantisers/half_quantiser.h"
#include "models/artifact/quantisers/row_quantiser.h"
#include "models/artifact/quantisers/small_quantisers.h"
#include "models/artifact/quantisers/ternary.h"

namespace reprise {
namespace {

StreamLayout scales_of(int64_t rows) {
  return {.cause = Cause::kScales, .bytes = 2 * rows, .element_bytes = 2};
}

StreamLayout codebooks_of(int64_t numbers) {
  return {.cause = Cause::kCodebooks, .bytes = 2 * numbers, .element_bytes = 2};
}

StreamLayout codes_of(int64_t rows, int64_t row_bytes) {
  return {.cause = Cause::kCodes, .bytes = rows * row_bytes, .row_bytes = row_bytes};
}

std::vector<StreamLayout> body_streams(const TensorShape& tensor) {
  const Form& form = tensor.form;
  const int64_t elements = tensor.elements(), rows = tensor.rows(), columns = tensor.columns();
  switch (form.scheme) {
    case Scheme::kHalf:
      return {{.cause = Cause::kValues, .bytes = 2 * elements, .element_bytes = 2}};
    case Scheme::kRows:
      return {scales_of(rows), codes_of(rows, columns)};
    case Scheme::kSingle:
      return {{.cause = Cause::kValues, .bytes = 4 * elements, .element_bytes = 4}};
    case Scheme::kFloat8:
      return {scales_of(1), {.cause = Cause::kValues, .bytes = elements}};
    case Scheme::kBinary:
      return {scales_of(rows), codes_of(rows, sign_bytes(columns))};
    case Scheme::kTernary:
      return {scales_of(rows), codes_of(rows, trit_bytes(columns))};
    case Scheme::kCodebook:
      return {scales_of(rows), codebooks_of(form.entries), codes_of(rows, columns)};
    case Scheme::kAdditive: {
      const StreamLayout codes = codes_of(rows, vectors_of_row(columns, form.vector));
      return {scales_of(rows), codebooks_of(2 * form.entries * form.vector), codes, codes};
    }
  }
  return {};
}

std::vector<float> dequantise_body(const TensorShape& shape,
                                   std::span<const std::string_view> streams) {
  switch (shape.form.scheme) {
    case Scheme::kHalf:
      return dequantise_half(streams[0]);
    case Scheme::kRows:
      return dequantise_rows(streams[0], streams[1]);
    case Scheme::kSingle:
      return dequantise_single(streams[0]);
    case Scheme::kFloat8:
      return dequantise_float8(streams[0], streams[1]);
    case Scheme::kBinary:
      return dequantise_binary(streams[0], streams[1], shape.columns());
    case Scheme::kTernary:
      return dequantise_ternary(shape.columns(), streams[0], streams[1]);
    case Scheme::kCodebook:
      return dequantise_codebook(streams[0], streams[1], streams[2]);
    case Scheme::kAdditive:
      return dequantise_additive(shape, streams);
  }
  return {};
}

/// Codebooks hold at most a number for every weight, so that a small file cannot claim much.
void check_codebooks(const TensorShape& tensor) {
  const int64_t entries = tensor.form.entries, vector = tensor.form.vector;
  const bool additive = tensor.form.scheme == Scheme::kAdditive;
  require(1 <= entries && entries <= kMostCodes, ExitCode::kBadInput, "tensor ", tensor.name,
          " has a codebook of ", entries, " entries, not 1 to ", kMostCodes);
  require(!additive || (1 <= vector && vector <= kLongestVector), ExitCode::kBadInput, "tensor ",
          tensor.name, " has codes for ", vector, " weights, not 1 to ", kLongestVector);
  require(entries * (additive ? vector : 1) <= tensor.elements(), ExitCode::kBadInput, "tensor ",
          tensor.name, " has a codebook larger than itself");
}

}  // namespace

int64_t TensorShape::elements() const {
  int64_t count = 1;
  for (const int64_t length : shape) count *= length;
  return count;
}

std::vector<StreamLayout> TensorShape::streams() const {
  std::vector<StreamLayout> streams = body_streams(*this);
  for (const StreamLayout& added : added_streams(*this)) streams.push_back(added);
  return streams;
}

void check_form(const TensorShape& tensor) {
  check_additions(tensor);
  const Scheme scheme = tensor.form.scheme;
  const bool has_codebooks = scheme == Scheme::kCodebook || scheme == Scheme::kAdditive;
  Form rest = tensor.form;
  rest.outliers = rest.rank = rest.rotated = 0;
  if (has_codebooks) rest.entries = 0;
  if (scheme == Scheme::kAdditive) rest.vector = 0;
  require(rest == Form{scheme}, ExitCode::kBadInput, "tensor ", tensor.name,
          " has what the scheme ", enum_name(scheme), " has no place for");
  if (has_codebooks) check_codebooks(tensor);
}

std::vector<float> dequantise(const TensorShape& shape, std::span<const std::string_view> streams) {
  std::vector<float> values = dequantise_body(shape, streams);
  apply_additions(shape, streams.subspan(body_streams(shape).size()), values);
  return values;
}

}  // namespace reprise
