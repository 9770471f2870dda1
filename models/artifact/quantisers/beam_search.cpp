// The codes of additive quantisation: nearly all of the encoder's time goes here.
//
// The error of entries a and b for x is x'Mx - 2 y'a + a'Ma - 2 y'b + b'Mb + 2 a'Mb, y = Mx. The
// metric M is the same for all rows of a group, and with it a'Ma, b'Mb and the table of 2 a'Mb.
#include <algorithm>
#include <limits>
#include <numeric>
#include <span>

#include "models/artifact/quantisers/additive.h"

namespace reprise {
namespace {

/// Sums and minima over that many lanes side by side, which compilers turn into vectors.
constexpr size_t kSearchLanes = 16;

size_t padded(size_t entries) { return (entries + kSearchLanes - 1) / kSearchLanes * kSearchLanes; }

/// Entries that are not there are never the least.
constexpr float kNever = 1e30F;

/// least(first[k] + second[k]); the length is a multiple of the lanes.
float least_sum(std::span<const float> first, const float* second) {
  std::array<float, kSearchLanes> least;
  least.fill(std::numeric_limits<float>::infinity());
  for (size_t k = 0; k < first.size(); k += kSearchLanes)
    for (size_t lane = 0; lane < kSearchLanes; ++lane) {
      const float sum = first[k + lane] + second[k + lane];
      least[lane] = sum < least[lane] ? sum : least[lane];
    }
  return *std::ranges::min_element(least);
}

/// One codebook under one group's metric.
class GroupCodebook {
 public:
  GroupCodebook(const Codebook& codebook, const float* metric)
      : vector_(codebook.vector),
        size_(codebook.size()),
        entries_(vector_ * padded(size_)),
        pulled_(entries_.size()),
        norms_(padded(size_), kNever) {
    const size_t stride = norms_.size();
    for (size_t k = 0; k < size_; ++k) {
      double norm = 0;
      for (size_t i = 0; i < vector_; ++i) {
        const float* row = &metric[i * vector_];
        const float pulled = std::inner_product(row, row + vector_, codebook.at(k), 0.0F);
        entries_[i * stride + k] = codebook.at(k)[i];
        pulled_[i * stride + k] = pulled;
        norm += static_cast<double>(pulled) * codebook.at(k)[i];
      }
      norms_[k] = static_cast<float>(norm);
    }
  }

  size_t size() const { return size_; }
  size_t stride() const { return norms_.size(); }

  /// scores[k] = a_k'Ma_k - 2 y'a_k.
  void score(const float* y, std::span<float> scores) const {
    std::ranges::copy(norms_, scores.begin());
    for (size_t i = 0; i < vector_; ++i) {
      const float twice = 2 * y[i];
      const float* entries = &entries_[i * stride()];
      for (size_t k = 0; k < scores.size(); ++k) scores[k] -= twice * entries[k];
    }
  }

  /// table[k][l] = 2 a_k'Mb_l, with the stride of the other.
  std::vector<float> table(const GroupCodebook& other) const {
    std::vector<float> result(size_ * other.stride());
    for (size_t k = 0; k < size_; ++k) {
      float* row = &result[k * other.stride()];
      for (size_t i = 0; i < vector_; ++i) {
        const float twice = 2 * pulled_[i * stride() + k];
        const float* entries = &other.entries_[i * other.stride()];
        for (size_t l = 0; l < other.stride(); ++l) row[l] += twice * entries[l];
      }
    }
    return result;
  }

 private:
  size_t vector_, size_;
  std::vector<float> entries_, pulled_;  ///< [vector][padded entries], and M times each entry
  std::vector<float> norms_;
};

/// The places of the least scores, at most `width`, least first; of equals the first place first.
class Beam {
 public:
  explicit Beam(size_t width) : width_(width) {}

  std::span<const size_t> pick(std::span<const float> scores) {
    places_.clear();
    for (size_t k = 0; k < scores.size(); ++k) {
      if (places_.size() == width_ && scores[k] >= scores[places_.back()]) continue;
      if (places_.size() == width_) places_.pop_back();
      const auto after = std::ranges::upper_bound(places_, scores[k], {},
                                                  [&](size_t place) { return scores[place]; });
      places_.insert(after, k);
    }
    return places_;
  }

 private:
  size_t width_;
  std::vector<size_t> places_;
};

/// All rows of one group.
class GroupSearch {
 public:
  GroupSearch(const VectorProblem& problem, const Codebooks& codebooks, const BeamOptions& options,
              size_t group)
      : problem_(problem),
        group_(group),
        leading_(codebooks[options.leading], problem.metric(group)),
        other_(codebooks[1 - options.leading], problem.metric(group)),
        leading_by_other_(leading_.table(other_)),
        other_by_leading_(other_.table(leading_)),
        beam_(options.width),
        y_(problem.vector),
        leading_scores_(leading_.stride()),
        other_scores_(other_.stride()),
        ranking_(leading_.stride()) {}

  struct Found {
    uint8_t leading = 0, other = 0;
    double error = 0;
  };

  /// `present`: the other's code; negative where there is none yet.
  Found search(size_t row, int present) {
    const double square = set_row(row);
    ranking_ = leading_scores_;
    if (present >= 0) {
      const float* with = &other_by_leading_[static_cast<size_t>(present) * leading_.stride()];
      for (size_t k = 0; k < ranking_.size(); ++k) ranking_[k] += with[k];
    }
    float least = std::numeric_limits<float>::infinity();
    size_t best = 0;
    for (const size_t k : beam_.pick(std::span(ranking_).first(leading_.size()))) {
      const float total = leading_scores_[k] + least_sum(other_scores_, table_row(k));
      if (total >= least) continue;
      least = total;
      best = k;
    }
    return {static_cast<uint8_t>(best), best_other(best),
            problem_.row_weights[row] * std::max(0.0, square + least)};
  }

 private:
  /// x'Mx.
  double set_row(size_t row) {
    const float* x = problem_.at(group_, row);
    const float* metric = problem_.metric(group_);
    double square = 0;
    for (size_t i = 0; i < problem_.vector; ++i) {
      const float* of_row = &metric[i * problem_.vector];
      y_[i] = std::inner_product(x, x + problem_.vector, of_row, 0.0F);
      square += static_cast<double>(y_[i]) * x[i];
    }
    leading_.score(y_.data(), leading_scores_);
    other_.score(y_.data(), other_scores_);
    return square;
  }

  const float* table_row(size_t leading) const {
    return &leading_by_other_[leading * other_.stride()];
  }

  uint8_t best_other(size_t leading) const {
    const float* row = table_row(leading);
    size_t best = 0;
    for (size_t l = 1; l < other_.size(); ++l)
      if (other_scores_[l] + row[l] < other_scores_[best] + row[best]) best = l;
    return static_cast<uint8_t>(best);
  }

  const VectorProblem& problem_;
  size_t group_;
  GroupCodebook leading_, other_;
  std::vector<float> leading_by_other_, other_by_leading_;
  Beam beam_;
  std::vector<float> y_, leading_scores_, other_scores_, ranking_;
};

}  // namespace

double search_codes(const VectorProblem& problem, const Codebooks& codebooks,
                    const BeamOptions& options, VectorCodes& codes) {
  std::vector<uint8_t>& leading = codes[options.leading];
  std::vector<uint8_t>& other = codes[1 - options.leading];
  const bool first = other.empty();
  leading.resize(problem.groups * problem.rows);
  other.resize(problem.groups * problem.rows);
  double error = 0;
  for (size_t group = 0; group < problem.groups; ++group) {
    GroupSearch search(problem, codebooks, options, group);
    for (size_t row = 0; row < problem.rows; ++row) {
      const size_t at = group * problem.rows + row;
      const GroupSearch::Found found = search.search(row, first ? -1 : other[at]);
      leading[at] = found.leading;
      other[at] = found.other;
      error += found.error;
    }
  }
  return error;
}

}  // namespace reprise
