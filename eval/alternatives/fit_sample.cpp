#include "eval/alternatives/fit_sample.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "base/error.h"
#include "base/progress.h"
#include "models/device.h"

namespace reprise {
namespace {

constexpr int64_t kMostShares = 64;                  // sums of each are gathered
constexpr int64_t kLogitsAtOnce = int64_t{1} << 18;  // 2 MB in fp64

/// Predictions in front of each document of the split.
std::vector<int64_t> predictions_before(std::span<const Document> documents) {
  std::vector<int64_t> before{0};
  for (const Document& document : documents) before.push_back(before.back() + document.tokens - 1);
  return before;
}

StoredRows joined(const std::vector<StoredRows>& parts) {
  StoredRows all;
  std::vector<at::Tensor> targets;
  std::vector<std::vector<at::Tensor>> features(parts.empty() ? 0 : parts[0].features_ND.size());
  for (const StoredRows& part : parts) {
    targets.push_back(part.targets_N);
    all.picked.insert(all.picked.end(), part.picked.begin(), part.picked.end());
    for (size_t s = 0; s < features.size(); ++s) features[s].push_back(part.features_ND[s]);
  }
  all.targets_N = targets.empty() ? at::empty({0}, at::kLong) : at::cat(targets);
  for (const auto& state : features) all.features_ND.push_back(at::cat(state));
  return all;
}

StoredRows only(const StoredRows& rows, const std::vector<int64_t>& kept) {
  StoredRows some;
  const at::Tensor kept_K = at::tensor(kept, at::kLong);
  some.targets_N = rows.targets_N.index_select(0, kept_K);
  for (const int64_t row : kept) some.picked.push_back(rows.picked[static_cast<size_t>(row)]);
  for (const at::Tensor& state : rows.features_ND)
    some.features_ND.push_back(state.index_select(0, moved_to(state.device(), kept_K)));
  return some;
}

}  // namespace

int64_t rows_at_once(int64_t vocab) { return std::max<int64_t>(1, kLogitsAtOnce / vocab); }

FitSample::FitSample(std::vector<StoredRows> own, int64_t shares, int64_t vocab, LogitsOf logits,
                     Communicator& comm)
    : own_(std::move(own)),
      shares_(shares),
      vocab_(vocab),
      logits_(std::move(logits)),
      comm_(comm) {
  int64_t mine = 0;
  for (const StoredRows& rows : own_) mine += rows.targets_N.numel();
  tokens_ = sum_over_ranks(comm, mine);
}

void FitSample::add_share(const StoredRows& rows, size_t state, const Add& add,
                          std::span<double> sums) const {
  const int64_t total = rows.targets_N.numel();
  const int64_t step = rows_at_once(vocab_);
  for (int64_t first = 0; first < total; first += step) {
    const int64_t count = std::min(step, total - first);
    add({logits_(rows.features_ND[state].narrow(0, first, count)).to(at::kDouble),
         rows.targets_N.narrow(0, first, count),
         std::span(rows.picked).subspan(static_cast<size_t>(first), static_cast<size_t>(count))},
        sums);
  }
}

std::vector<double> FitSample::sum(size_t state, size_t width, const Add& add) const {
  // Every rank's shares between zeros: to add those changes no bit.
  std::vector<double> by_share(static_cast<size_t>(shares_) * width, 0);
  const auto share_at = [&](size_t share) {
    return std::span(by_share).subspan(share * width, width);
  };
  for (size_t k = 0; k < own_.size(); ++k)
    add_share(own_[k], state, add,
              share_at(k * static_cast<size_t>(comm_.size()) + static_cast<size_t>(comm_.rank())));
  comm_.all_reduce(Buffer::of(by_share.data(), std::ssize(by_share)), Reduction::kSum);
  std::vector<double> sums(width, 0);
  for (size_t share = 0; share < static_cast<size_t>(shares_); ++share)
    for (size_t i = 0; i < width; ++i) sums[i] += share_at(share)[i];
  return sums;
}

FitSample collect_fit_sample(const Corpus& corpus, const ScoringOptions& scoring,
                             const UnitOptions& windows, int64_t most, const ReadRows& read,
                             const Network& network, Communicator& comm) {
  const at::NoGradGuard no_grad;
  const auto& documents = corpus.documents(Split::kValid);
  const auto units = plan_units(documents, scoring.unit_tokens);
  const std::vector<int64_t> before = predictions_before(documents);
  const int64_t all = before.back(), count = std::ssize(units);
  require(all > 0, ExitCode::kBadInput, "the valid split holds no token to fit anything on");
  const EvenSample sample{most == 0 ? all : std::min(most, all), all};
  const int64_t shares = std::min(count, kMostShares);
  Progress progress("units of valid", count, comm.rank());
  std::vector<StoredRows> own;
  int64_t kept_rows = 0;
  for (int64_t share = comm.rank(); share < shares; share += comm.size()) {
    std::vector<StoredRows> parts;
    for (int64_t u = share * count / shares; u < (share + 1) * count / shares; ++u) {
      const WorkUnit& unit = units[static_cast<size_t>(u)];
      Depths depths;
      for (const ScoringBatch& batch :
           make_batches(read_unit(corpus, Split::kValid, unit), windows)) {
        std::vector<int64_t> kept;
        for (size_t n = 0; n < batch.places.size(); ++n) {
          const auto document = static_cast<size_t>(unit.first_document + batch.documents[n]);
          if (sample.has(before[document] + batch.places[n].position - 1))
            kept.push_back(static_cast<int64_t>(n));
        }
        kept_rows += std::ssize(kept);
        const StoredRows rows = read(batch, depths);
        if (!kept.empty()) parts.push_back(only(rows, kept));
      }
      progress.update(u + 1, concat(kept_rows, " predictions kept"));
    }
    own.push_back(joined(parts));
  }
  const LogitsOf logits = [&network](const at::Tensor& features_ND) {
    return network.logits(features_ND);
  };
  return {std::move(own), shares, network.options().vocab, logits, comm};
}

}  // namespace reprise
