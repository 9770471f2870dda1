#include "models/artifact/quantisers/quantiser.h"

#include <cmath>
#include <functional>
#include <numeric>

#include "models/artifact/quantisers/added_quantiser.h"
#include "models/artifact/quantisers/additive_quantiser.h"
#include "models/artifact/quantisers/binary_quantiser.h"
#include "models/artifact/quantisers/choice.h"
#include "models/artifact/quantisers/codebook_quantiser.h"
#include "models/artifact/quantisers/half_quantiser.h"
#include "models/artifact/quantisers/row_quantiser.h"
#include "models/artifact/quantisers/small_quantisers.h"
#include "models/artifact/quantisers/ternary_quantiser.h"
#include "models/artifact/quantisers/uniform_quantiser.h"

namespace reprise {
namespace {

void check_values(const HostTensor& tensor, bool in_binary16) {
  for (const float value : tensor.values) {
    require(std::isfinite(value), ExitCode::kBadInput, "tensor ", tensor.name,
            " holds a weight that is not finite; the training that wrote it diverged");
    require(!in_binary16 || std::abs(value) <= kLargestHalf, ExitCode::kBadInput, "tensor ",
            tensor.name, " holds ", value, ", beyond the range of binary16");
  }
}

std::unique_ptr<Quantiser> make_rows(const Subject& subject, const QuantiserOptions& options) {
  if (options.allocation == Allocation::kRateDistortion)
    return std::make_unique<RowQuantiser>(subject, options);
  return std::make_unique<UniformQuantiser>(
      subject, UniformOptions{options.max_bits, subject.finer_bits, options.clip_sigma});
}

/// A tensor by one scheme.
std::unique_ptr<Quantiser> make_body(Scheme scheme, const Subject& subject,
                                     const QuantiserOptions& options) {
  switch (scheme) {
    case Scheme::kHalf:
      return std::make_unique<HalfQuantiser>(subject.tensor);
    case Scheme::kRows:
      return make_rows(subject, options);
    case Scheme::kSingle:
      return std::make_unique<SingleQuantiser>(subject.tensor);
    case Scheme::kFloat8:
      return std::make_unique<Float8Quantiser>(subject.tensor);
    case Scheme::kBinary:
      return std::make_unique<BinaryQuantiser>(subject);
    case Scheme::kTernary:
      return std::make_unique<TernaryQuantiser>(subject);
    case Scheme::kCodebook:
      return std::make_unique<CodebookQuantiser>(subject);
    case Scheme::kAdditive:
      return make_additive_quantiser(subject);
  }
  fail(ExitCode::kFailure, "no quantiser makes ", enum_name(scheme));
}

}  // namespace

std::vector<float> dequantise(const QuantisedTensor& quantised, const HostTensor& tensor) {
  const std::vector<std::string_view> streams(quantised.streams.begin(), quantised.streams.end());
  return dequantise({tensor.name, quantised.form, tensor.shape}, streams);
}

bool stored_as_codes(std::span<const int64_t> shape, const QuantiserOptions& options) {
  const int64_t elements =
      std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
  return shape.size() >= 2 && elements > options.half_elements;
}

std::unique_ptr<Quantiser> make_quantiser(Subject subject, const QuantiserOptions& options) {
  const Scheme small = small_scheme(options);
  check_values(subject.tensor, small != Scheme::kSingle);
  if (!stored_as_codes(subject.tensor.shape, options)) return make_body(small, subject, options);
  std::vector<std::unique_ptr<Quantiser>> ways;
  for (const Scheme scheme : matrix_schemes(options)) {
    const MakeBody body = [&](const Subject& of) { return make_body(scheme, of, options); };
    for (auto& way : make_ways(scheme, subject, options, body)) ways.push_back(std::move(way));
  }
  drop_never_best(ways);
  return ways.size() == 1 ? std::move(ways.front()) : std::make_unique<Choice>(std::move(ways));
}

}  // namespace reprise
