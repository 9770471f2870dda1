#include "models/artifact/packing/estimate.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "models/artifact/frame.h"
#include "models/artifact/quantisers/quantiser.h"
#include "models/artifact/quantisers/row_quantiser.h"

namespace reprise {
namespace {

/// What the coders make of a binary16, about: sign, mantissa, and what numbers of one spread leave
/// to say of the exponent. Measured: 11 to 13.4.
constexpr double kCodedHalfBits = 13;

/// SHA-256 in hex, as the header holds one of the tokenizer.
constexpr size_t kDigestLetters = 64;

/// Of the sizes that additive codes come in, the one of two bits a weight; of codebooks one of
/// four.
constexpr int64_t kAdditiveEntries = 256, kAdditiveVector = 8, kCodebookEntries = 16;

Form matrix_form(Scheme scheme, const TensorShape& tensor) {
  Form form{.scheme = scheme};
  if (scheme == Scheme::kCodebook) form.entries = std::min(kCodebookEntries, tensor.elements());
  if (scheme != Scheme::kAdditive) return form;
  form.vector = std::min(kAdditiveVector, tensor.columns());
  form.entries = std::min(kAdditiveEntries, tensor.elements() / form.vector);
  return form;
}

double additive_bits(const TensorShape& tensor) {
  const auto entries = static_cast<double>(tensor.form.entries);
  const auto vector = static_cast<double>(tensor.form.vector);
  return 2 * (static_cast<double>(tensor.elements()) / vector * std::log2(entries) +
              kCodedHalfBits * entries * vector);
}

}  // namespace

double estimated_bits(const TensorShape& tensor, double code_bits) {
  const auto elements = static_cast<double>(tensor.elements());
  const auto rows = static_cast<double>(tensor.rows());
  switch (tensor.form.scheme) {
    case Scheme::kHalf:
      return kCodedHalfBits * elements;
    case Scheme::kRows:
    case Scheme::kCodebook:
      return code_bits * elements + kScaleBits * rows;
    case Scheme::kTernary:
      return std::log2(3) * elements + kScaleBits * rows;
    case Scheme::kAdditive:
      return additive_bits(tensor) + kScaleBits * rows;
    case Scheme::kSingle:
      return 32 * elements;
    case Scheme::kFloat8:
      return 8 * elements + 16;
    case Scheme::kBinary:
      return elements + kCodedHalfBits * rows;
  }
  return 0;
}

int64_t StoredEstimate::bytes() const {
  return fixed_bytes + std::llround(std::accumulate(tensor_bytes.begin(), tensor_bytes.end(), 0.0));
}

std::vector<TensorShape> stored_shapes(std::vector<TensorShape> tensors,
                                       const QuantiserOptions& options) {
  for (TensorShape& tensor : tensors)
    tensor.form = stored_as_codes(tensor.shape, options)
                      ? matrix_form(matrix_schemes(options).front(), tensor)
                      : Form{small_scheme(options)};
  return tensors;
}

StoredEstimate estimate_stored(const nlohmann::json& model, const std::vector<TensorShape>& tensors,
                               double code_bits) {
  const Artifact frame = make_frame(model, std::string(kDigestLetters, '0'), "", tensors);
  StoredEstimate estimate{static_cast<int64_t>(serialise(frame).size()), {}};
  for (const TensorShape& tensor : tensors)
    estimate.tensor_bytes.push_back(estimated_bits(tensor, code_bits) / 8);
  return estimate;
}

}  // namespace reprise
