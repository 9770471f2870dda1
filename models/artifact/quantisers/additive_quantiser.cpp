#include "models/artifact/quantisers/additive_quantiser.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/random.h"
#include "models/artifact/quantisers/choice.h"
#include "models/artifact/quantisers/half_quantiser.h"
#include "models/artifact/quantisers/row_quantiser.h"
#include "models/artifact/quantisers/scales.h"

namespace reprise {
namespace {

constexpr int kMeansSteps = 10;
/// Vectors that codebooks are first fitted to, for each of their entries.
constexpr size_t kSampledVectors = 256;

/// Sizes of the codebooks: bits a weight 1, 1.5, 2, 2.67, 3 and 4.
struct Size {
  size_t vector, entries;
};
constexpr std::array kSizes{Size{8, 16},  Size{8, 64}, Size{8, 256},
                            Size{6, 256}, Size{4, 64}, Size{4, 256}};

std::vector<uint16_t> scales_of_rows(const HostTensor& tensor) {
  std::vector<uint16_t> scales;
  for (const double rms : row_rms(tensor.values, static_cast<size_t>(tensor.shape[0])))
    scales.push_back(nearest_rung(rms, kScaleRungs));
  return scales;
}

/// Blocks on the diagonal of the Hessian, or of the importance of the columns. Nothing counts
/// beyond the end of a row.
void set_metrics(const Subject& subject, VectorProblem& problem) {
  const size_t vector = problem.vector, columns = subject.importance.columns.size();
  problem.metrics.assign(problem.groups * vector * vector, 0);
  for (size_t column = 0; column < columns; ++column) {
    const size_t group = column / vector, i = column % vector;
    float* row = &problem.metrics[(group * vector + i) * vector];
    row[i] = subject.importance.columns[column];
    if (subject.hessian == nullptr) continue;
    for (size_t k = 0; k < vector && group * vector + k < columns; ++k)
      row[k] = static_cast<float>((*subject.hessian)[column * columns + group * vector + k]);
  }
}

VectorProblem make_problem(const Subject& subject, std::span<const uint16_t> scales,
                           size_t vector) {
  const size_t rows = scales.size(), columns = subject.importance.columns.size();
  VectorProblem problem{.rows = rows,
                        .groups = (columns + vector - 1) / vector,
                        .vector = vector,
                        .values = {},
                        .row_weights = {},
                        .metrics = {}};
  problem.values.assign(problem.groups * rows * vector, 0);
  for (size_t row = 0; row < rows; ++row) {
    const float scale = from_half(scales[row]);
    problem.row_weights.push_back(subject.importance.rows[row] * scale * scale);
    for (size_t column = 0; column < columns; ++column)
      problem.values[((column / vector) * rows + row) * vector + column % vector] =
          subject.tensor.values[row * columns + column] * inverse_scale(scales[row]);
  }
  set_metrics(subject, problem);
  return problem;
}

/// Some of the rows, drawn at random, of all groups.
VectorProblem sample_rows(const VectorProblem& all, size_t wanted, const RandomStream& stream) {
  VectorProblem sample{.rows = std::min(wanted, all.rows),
                       .groups = all.groups,
                       .vector = all.vector,
                       .values = {},
                       .row_weights = {},
                       .metrics = all.metrics};
  std::vector<size_t> rows;
  for (size_t i = 0; i < sample.rows; ++i) rows.push_back(permute(stream, i, all.rows));
  for (const size_t row : rows) sample.row_weights.push_back(all.row_weights[row]);
  for (size_t group = 0; group < all.groups; ++group)
    for (const size_t row : rows)
      sample.values.insert(sample.values.end(), all.at(group, row),
                           all.at(group, row) + all.vector);
  return sample;
}

Codebook zero_codebook(size_t vector) { return {vector, std::vector<float>(vector)}; }

/// k-means from vectors drawn at random; an entry that no vector takes is drawn again.
Codebook fit_kmeans(const VectorProblem& problem, size_t entries, const RandomStream& stream,
                    VectorCodes& codes) {
  Codebooks codebooks{Codebook{problem.vector, {}}, zero_codebook(problem.vector)};
  const size_t vectors = problem.groups * problem.rows;
  uint64_t drawn = 0;
  const auto draw = [&] {
    return &problem.values[permute(stream, drawn++ % vectors, vectors) * problem.vector];
  };
  for (size_t entry = 0; entry < entries; ++entry) {
    const float* vector = draw();
    codebooks[0].entries.insert(codebooks[0].entries.end(), vector, vector + problem.vector);
  }
  for (int step = 0; step < kMeansSteps; ++step) {
    search_codes(problem, codebooks, {.width = 1}, codes);
    fit_codebook(problem, codes, 0, codebooks);
    std::vector<bool> taken(entries);
    for (const uint8_t code : codes[0]) taken[code] = true;
    for (size_t entry = 0; entry < entries && step + 1 < kMeansSteps; ++entry)
      if (!taken[entry])
        std::copy_n(draw(), problem.vector,
                    codebooks[0].entries.begin() + static_cast<ptrdiff_t>(entry * problem.vector));
  }
  search_codes(problem, codebooks, {.width = 1}, codes);
  return codebooks[0];
}

/// A k-means of the vectors, and one of what it leaves.
Codebooks residual_kmeans(const VectorProblem& problem, size_t entries, const RandomStream& stream,
                          VectorCodes& codes) {
  VectorCodes first, second;
  Codebooks codebooks;
  codebooks[0] = fit_kmeans(problem, entries, stream, first);
  VectorProblem residual = problem;
  for (size_t at = 0; at < first[0].size(); ++at)
    for (size_t i = 0; i < problem.vector; ++i)
      residual.values[at * problem.vector + i] -= codebooks[0].at(first[0][at])[i];
  codebooks[1] = fit_kmeans(residual, entries, stream, second);
  codes = {std::move(first[0]), std::move(second[0])};
  return codebooks;
}

void round_to_half(Codebooks& codebooks) {
  for (Codebook& codebook : codebooks)
    for (float& value : codebook.entries)
      value = from_half(to_half(std::clamp(value, -kLargestHalf, kLargestHalf)));
}

/// Codebooks by least squares, then codes, the leading codebook taking turns.
double take_turn(const VectorProblem& problem, size_t beam, size_t turn, Codebooks& codebooks,
                 VectorCodes& codes) {
  for (const size_t which : {turn % 2, 1 - turn % 2})
    fit_codebook(problem, codes, which, codebooks);
  return search_codes(problem, codebooks, {.width = beam, .leading = turn % 2}, codes);
}

/// Bits of codes that are drawn as often as these are.
double entropy_bits(std::span<const uint8_t> codes) {
  std::array<double, 256> counts{};
  for (const uint8_t code : codes) ++counts[code];
  double bits = 0;
  for (const double count : counts)
    if (count > 0) bits += count * std::log2(static_cast<double>(codes.size()) / count);
  return bits;
}

/// [group][row] to [row][group].
std::string by_rows(std::span<const uint8_t> codes, const VectorProblem& problem) {
  std::string stream(codes.size(), 0);
  for (size_t group = 0; group < problem.groups; ++group)
    for (size_t row = 0; row < problem.rows; ++row)
      stream[row * problem.groups + group] = static_cast<char>(codes[group * problem.rows + row]);
  return stream;
}

}  // namespace

AdditiveCode encode_additive(const VectorProblem& problem, const AdditiveOptions& options) {
  const RandomStream stream(0, Purpose::kCodebook);
  const VectorProblem sample =
      sample_rows(problem, kSampledVectors * options.entries / problem.groups + 1, stream);
  AdditiveCode code;
  VectorCodes sample_codes;
  code.codebooks = residual_kmeans(sample, options.entries, stream, sample_codes);
  for (int turn = 0; turn < options.sample_turns; ++turn)
    code.sample_errors.push_back(
        take_turn(sample, options.beam, static_cast<size_t>(turn), code.codebooks, sample_codes));
  search_codes(problem, code.codebooks, {.width = options.beam}, code.codes);
  for (int turn = 0; turn < options.turns; ++turn)
    code.errors.push_back(
        take_turn(problem, options.beam, static_cast<size_t>(turn), code.codebooks, code.codes));
  round_to_half(code.codebooks);
  code.errors.push_back(search_codes(problem, code.codebooks, {.width = options.beam}, code.codes));
  return code;
}

AdditiveQuantiser::AdditiveQuantiser(const Subject& subject, AdditiveOptions options) {
  const size_t columns = subject.importance.columns.size(), elements = subject.tensor.values.size();
  options.vector = std::min(options.vector, columns);
  options.entries = std::min(options.entries, elements / options.vector);
  const std::vector<uint16_t> scales = scales_of_rows(subject.tensor);
  const VectorProblem problem = make_problem(subject, scales, options.vector);
  const AdditiveCode code = encode_additive(problem, options);
  std::string of_scales, of_codebooks;
  for (const uint16_t scale : scales) append_half(of_scales, scale);
  for (const Codebook& codebook : code.codebooks)
    for (const float value : codebook.entries) append_half(of_codebooks, to_half(value));
  quantised_ = {.form = {.scheme = Scheme::kAdditive,
                         .entries = static_cast<int64_t>(options.entries),
                         .vector = static_cast<int64_t>(options.vector)},
                .streams = {std::move(of_scales), std::move(of_codebooks),
                            by_rows(code.codes[0], problem), by_rows(code.codes[1], problem)},
                .nominal_bits = 2 * std::log2(static_cast<double>(options.entries)) /
                                static_cast<double>(options.vector)};
  const std::vector<std::string_view> streams(quantised_.streams.begin(), quantised_.streams.end());
  forecast_.distortion = weighted_distortion(
      subject, dequantise_additive({"", quantised_.form, subject.tensor.shape}, streams));
  forecast_.bits = entropy_bits(code.codes[0]) + entropy_bits(code.codes[1]) +
                   16.0 * 2 * static_cast<double>(options.entries * options.vector) +
                   kScaleBits * static_cast<double>(scales.size());
}

std::unique_ptr<Quantiser> make_additive_quantiser(const Subject& subject) {
  std::vector<std::unique_ptr<Quantiser>> ways;
  for (const Size& size : kSizes)
    ways.push_back(std::make_unique<AdditiveQuantiser>(
        subject, AdditiveOptions{.entries = size.entries, .vector = size.vector}));
  return std::make_unique<Choice>(std::move(ways));
}

}  // namespace reprise
