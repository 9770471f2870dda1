#include "eval/curves/joint_bootstrap.h"

#include <algorithm>

#include "base/error.h"
#include "base/parallel.h"
#include "base/random.h"
#include "eval/bits_per_byte.h"

namespace reprise {
namespace {

/// Nats of every contrast, those of one document side by side: a drawn document is a few lines of
/// memory.
class Table {
 public:
  explicit Table(std::span<const DocumentScores> contrasts) : width_(contrasts.size()) {
    const DocumentScores& first = contrasts[0];
    nats_.resize(first.size() * width_);
    for (size_t d = 0; d < first.size(); ++d) {
      require(first[d].bytes.value > 0, ExitCode::kInvalidTrace,
              "the bootstrap was given documents without text");
      bytes_.push_back(first[d].bytes.value);
      for (size_t c = 0; c < width_; ++c) nats_[d * width_ + c] = contrasts[c][d].nats.value;
    }
  }

  /// Bits per byte of every contrast over one sample, drawn as bootstrap_documents() draws it: one
  /// number of the stream picks two documents.
  std::vector<double> draw(const RandomStream& stream) const {
    const uint64_t n = bytes_.size();
    std::vector<double> sums(width_, 0);
    Bytes bytes;
    const auto add = [&](uint64_t half) {
      const uint64_t d = (half * n) >> 32;
      const double* nats = &nats_[d * width_];
      for (size_t c = 0; c < width_; ++c) sums[c] += nats[c];
      bytes += Bytes{bytes_[d]};
    };
    for (uint64_t i = 0; i < n; i += 2) {
      const uint64_t bits = stream.bits(i / 2);
      add(bits & 0xFFFFFFFF);
      if (i + 1 < n) add(bits >> 32);
    }
    for (double& sum : sums) sum = bits_per_byte(Nats{sum}, bytes);
    return sums;
  }

 private:
  size_t width_;
  std::vector<double> nats_;
  std::vector<int64_t> bytes_;
};

}  // namespace

std::vector<std::vector<double>> bootstrap_jointly(std::span<const DocumentScores> contrasts,
                                                   const BootstrapOptions& options) {
  const Table table(contrasts);
  const auto drawn = parallel_map(static_cast<size_t>(options.draws), [&](size_t draw) {
    return table.draw({options.seed, Purpose::kBootstrap, static_cast<uint32_t>(draw)});
  });
  std::vector<std::vector<double>> draws(contrasts.size());
  for (size_t c = 0; c < contrasts.size(); ++c)
    for (const auto& values : drawn) draws[c].push_back(values[c]);
  return draws;
}

}  // namespace reprise
