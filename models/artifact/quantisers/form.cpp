#include "models/artifact/quantisers/form.h"

#include "base/error.h"
#include "models/artifact/quantisers/additions.h"
#include "models/artifact/quantisers/binary_quantiser.h"
#include "models/artifact/quantisers/half_quantiser.h"
#include "models/artifact/quantisers/row_quantiser.h"
#include "models/artifact/quantisers/small_quantisers.h"

namespace reprise {
namespace {

std::vector<StreamLayout> body_streams(const TensorShape& tensor) {
  const int64_t elements = tensor.elements(), rows = tensor.rows(), columns = tensor.columns();
  switch (tensor.form.scheme) {
    case Scheme::kHalf:
      return {{.cause = Cause::kValues, .bytes = 2 * elements, .element_bytes = 2}};
    case Scheme::kRows:
      return {{.cause = Cause::kScales, .bytes = 2 * rows, .element_bytes = 2},
              {.cause = Cause::kCodes, .bytes = elements, .row_bytes = columns}};
    case Scheme::kSingle:
      return {{.cause = Cause::kValues, .bytes = 4 * elements, .element_bytes = 4}};
    case Scheme::kFloat8:
      return {{.cause = Cause::kScales, .bytes = 2, .element_bytes = 2},
              {.cause = Cause::kValues, .bytes = elements}};
    case Scheme::kBinary:
      return {{.cause = Cause::kScales, .bytes = 2 * rows, .element_bytes = 2},
              {.cause = Cause::kCodes,
               .bytes = rows * sign_bytes(columns),
               .row_bytes = sign_bytes(columns)}};
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
  }
  return {};
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
  Form body = tensor.form;
  body.outliers = body.rank = body.rotated = 0;
  require(body == Form{tensor.form.scheme}, ExitCode::kBadInput, "tensor ", tensor.name,
          " has what the scheme ", enum_name(tensor.form.scheme), " has no place for");
}

std::vector<float> dequantise(const TensorShape& shape, std::span<const std::string_view> streams) {
  std::vector<float> values = dequantise_body(shape, streams);
  apply_additions(shape, streams.subspan(body_streams(shape).size()), values);
  return values;
}

}  // namespace reprise
