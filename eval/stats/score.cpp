#include "eval/stats/score.h"

#include <cmath>

#include "base/error.h"
#include "eval/bits_per_byte.h"

namespace reprise {
namespace {

DocumentScore total(std::span<const DocumentScore> documents) {
  DocumentScore sum;
  for (const auto& document : documents) {
    sum.nats += document.nats;
    sum.bytes += document.bytes;
  }
  require(sum.bytes.value > 0, ExitCode::kInvalidTrace,
          "bits per byte of no bytes: the traces hold no scored text here");
  return sum;
}

void require_same_documents(std::span<const DocumentScore> first,
                            std::span<const DocumentScore> second) {
  require(first.size() == second.size(), ExitCode::kInvalidTrace, "the traces hold ", first.size(),
          " and ", second.size(), " documents; evaluate both on the same split of the same corpus");
  for (size_t i = 0; i < first.size(); ++i)
    require(first[i].bytes == second[i].bytes, ExitCode::kInvalidTrace, "document ", i, " has ",
            first[i].bytes.value, " bytes in one trace and ", second[i].bytes.value,
            " in the other; evaluate both on the same corpus");
}

}  // namespace

double bits_per_byte(std::span<const DocumentScore> documents) {
  const DocumentScore sum = total(documents);
  return bits_per_byte(sum.nats, sum.bytes);
}

double delta_standard_error(std::span<const DocumentScore> documents) {
  require(documents.size() >= 2, ExitCode::kInvalidTrace,
          "a standard error needs at least two documents; evaluate more text");
  const DocumentScore sum = total(documents);
  const double ratio = bits_per_byte(sum.nats, sum.bytes);
  double squares = 0;
  for (const auto& [nats, bytes] : documents) {
    const double residual_bits = to_bits(nats).value - ratio * static_cast<double>(bytes.value);
    squares += residual_bits * residual_bits;
  }
  const double n = static_cast<double>(documents.size());
  return std::sqrt(n / (n - 1) * squares) / static_cast<double>(sum.bytes.value);
}

std::vector<double> leave_one_out(std::span<const DocumentScore> documents) {
  const DocumentScore sum = total(documents);
  std::vector<double> ratios;
  ratios.reserve(documents.size());
  for (const auto& [nats, bytes] : documents)
    if (bytes < sum.bytes) ratios.push_back(bits_per_byte(sum.nats - nats, sum.bytes - bytes));
  return ratios;
}

DocumentScores difference(std::span<const DocumentScore> first,
                          std::span<const DocumentScore> second) {
  require_same_documents(first, second);
  DocumentScores differences;
  differences.reserve(first.size());
  for (size_t i = 0; i < first.size(); ++i)
    differences.push_back({first[i].nats - second[i].nats, first[i].bytes});
  return differences;
}

DocumentScores average(std::span<const DocumentScores> by_seed) {
  require(!by_seed.empty(), ExitCode::kInvalidTrace, "no trace to average");
  DocumentScores mean(by_seed[0]);
  for (const auto& documents : by_seed.subspan(1)) {
    require_same_documents(mean, documents);
    for (size_t i = 0; i < mean.size(); ++i) mean[i].nats += documents[i].nats;
  }
  for (auto& document : mean) document.nats.value /= static_cast<double>(by_seed.size());
  return mean;
}

}  // namespace reprise
