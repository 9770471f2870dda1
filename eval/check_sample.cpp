#include "eval/check_sample.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/random.h"
#include "models/device.h"

namespace reprise {
namespace {

constexpr int64_t kRowsToNormalise = 2;  // of every sample
constexpr int64_t kTargetsAtOnce = 1024;
constexpr size_t kDenseStride =
    7;  // positions refined beside the gate's, so that the comparison is never empty

double largest(const at::Tensor& difference) {
  return difference.numel() == 0 ? 0.0 : difference.abs().max().item<double>();
}

at::Tensor root_mean_square(const at::Tensor& x_NV) { return x_NV.square().mean(-1).sqrt(); }

/// Of the row that deviates most, the share of itself by which it does.
double worst_row(const at::Tensor& logits_NV, const at::Tensor& reference_NV) {
  const at::Tensor deviation_N = root_mean_square(logits_NV - reference_NV);
  return largest(at::where(deviation_N == 0, 0.0, deviation_N / root_mean_square(reference_NV)));
}

/// The batch with every token behind position `cut` of its sequences replaced by another one.
ScoringBatch with_other_future(const ScoringBatch& batch, int64_t cut, int64_t vocab) {
  ScoringBatch other = batch;
  const RandomStream draw(0, Purpose::kTest);
  other.tokens_BT = batch.tokens_BT.clone();
  other.targets_N = batch.targets_N.clone();
  const auto replace = [&](int64_t& token, int64_t position) {
    const auto offset =
        1 + draw.below(static_cast<uint64_t>(position), static_cast<uint64_t>(vocab - 1));
    token = (token + static_cast<int64_t>(offset)) % vocab;
  };
  const int64_t length = batch.tokens_BT.size(1);
  auto* tokens = other.tokens_BT.mutable_data_ptr<int64_t>();
  for (int64_t i = 0; i < other.tokens_BT.numel(); ++i)
    if (i % length > cut) replace(tokens[i], i);
  auto* targets = other.targets_N.mutable_data_ptr<int64_t>();
  for (int64_t n = 0; n < other.targets_N.numel(); ++n) {
    const int64_t target = batch.rows_N[n].item<int64_t>() % length + 1;
    if (target > cut) replace(targets[n], target);
  }
  return other;
}

class SampleChecks {
 public:
  SampleChecks(const CheckedOperations& operations, const ScoringBatch& batch, double epsilon)
      : operations_(operations), batch_(batch), epsilon_(epsilon) {}

  Measured run() {
    const at::NoGradGuard no_grad;
    check_causality();
    check_normalisation();
    if (refined()) check_sparse();
    return measured_;
  }

 private:
  const Network& network() const { return operations_.scorer.network(); }
  const RefinementPlan& plan() const { return operations_.scorer.plan(); }
  KeyRule rule() const { return plan().how.rule; }
  bool refined() const { return operations_.scorer.passes() == Passes::kRefined; }
  void found(Check check, double deviation) {
    keep_worse(measured_[static_cast<size_t>(check)], deviation);
  }

  /// Whether scored row `n` stands at or before position `cut` of its sequence: it may not depend
  /// on the tokens behind.
  bool before(size_t n, int64_t cut) const {
    return batch_.rows_N[static_cast<int64_t>(n)].item<int64_t>() % batch_.tokens_BT.size(1) <= cut;
  }

  void check_causality() {
    const int64_t length = batch_.tokens_BT.size(1);
    if (length < 2) return;  // a single position has no future
    const int64_t first_scored = batch_.rows_N[0].item<int64_t>() % length;
    const int64_t cut = std::max(length / 2 - 1, std::min(first_scored, length - 2));
    const ScoringBatch other = with_other_future(batch_, cut, network().options().vocab);
    const auto logits_before = [&](const ScoringBatch& batch) {
      return operations_.base_logits(batch.tokens_BT).narrow(1, 0, cut + 1);
    };
    const at::Tensor logits = logits_before(batch_);
    found(Check::kPrediction, largest(logits - logits_before(other)));
    if (refined()) check_second_pass(cut, other, largest(logits));
  }

  /// Decisions are compared under other targets, the last one's included; of several passes those
  /// about the first, since later ones read gathered rows, whose rounding goes with how many the
  /// whole text has. Likelihoods are of the
  /// same targets, so that the last position counts, from which a pass need look one token ahead
  /// only. Where a decision moved, the two are of different passes and say nothing about what a
  /// pass sees: the gate's may not move, the control's do with the count it is told.
  void check_second_pass(int64_t cut, ScoringBatch other, double largest_logit) {
    if (!before(0, cut)) return;  // the last position alone is scored
    const BatchScores left = operations_.score(batch_), elsewhere = operations_.score(other);
    other.targets_N = batch_.targets_N;
    const BatchScores right = operations_.score(other);
    // Exponentials near 1 round too, however small the logits.
    const double unit = epsilon_ * std::max(1.0, largest_logit);
    const auto compare = [&](double a, double b) {
      found(Check::kRefined, std::abs(a - b) / unit);
    };
    double moved = 0;
    for (size_t n = 0; n < batch_.places.size() && before(n, cut); ++n) {
      moved += (left.refined[n] > 0) != (elsewhere.refined[n] > 0);
      if (left.refined[n] == right.refined[n]) compare(left.nll_gated[n], right.nll_gated[n]);
      // Where refined positions see each other, an earlier draw that moved is seen too.
      if (left.random[n] == right.random[n] && !plan().sees_refined())
        compare(left.nll_random[n], right.nll_random[n]);
      compare(left.all.nll[n], right.all.nll[n]);
    }
    found(Check::kGate, moved);
  }

  void check_normalisation() {
    const BasePasses base = network().base_passes(batch_.tokens_BT, {.keys = refined()});
    check_sums(base.features_BTD);
    if (refined()) check_sums(network().refine_all(base, rule()));
  }

  void check_sums(const at::Tensor& features_BTD) {
    const int64_t rows = batch_.rows_N.numel();
    for (int64_t k = 1; k <= kRowsToNormalise; ++k) {
      const at::Tensor row = batch_.rows_N[(rows - 1) * k / kRowsToNormalise];
      const at::Tensor logits_V = network().logits(features_BTD.flatten(0, 1).index({row}));
      found(Check::kNormalisation, std::abs(probability_mass(logits_V) - 1));
    }
  }

  /// The sum of what is predicted for every token as the target.
  double probability_mass(const at::Tensor& logits_V) const {
    const int64_t vocab = logits_V.numel();
    double mass = 0;
    for (int64_t first = 0; first < vocab; first += kTargetsAtOnce) {
      const at::Tensor targets =
          at::arange(first, std::min(first + kTargetsAtOnce, vocab), at::kLong);
      for (const double nll :
           operations_.predict(logits_V.expand({targets.numel(), vocab}), targets).nll)
        mass += std::exp(-nll);
    }
    return mass;
  }

  /// The gathered pass against both dense ones: the masked one, which defines it, and the one over
  /// every position, whose columns speak for whatever a gate refined.
  void check_sparse() {
    const BasePasses base =
        network().base_passes(batch_.tokens_BT, {.keys = true, .all_passes = true});
    const at::Tensor rows_M = rows_to_refine();
    at::Tensor mask_BT = at::zeros_like(batch_.tokens_BT, at::kBool);
    mask_BT.view(-1).index_fill_(0, rows_M, true);
    const at::Tensor sparse_MD = operations_.refine_rows(base, rows_M);
    const at::Tensor there_M = moved_to(sparse_MD.device(), rows_M);
    const at::Tensor sparse_ND = base.features_BTD.flatten(0, 1).index_copy(0, there_M, sparse_MD);
    const at::Tensor masked_NV =
        network()
            .logits(network().refine_masked(base, mask_BT, {rule()}).features_BTD)
            .flatten(0, 1);
    found(Check::kSparse, worst_row(network().logits(sparse_ND), masked_NV) / epsilon_);
    if (plan().coda_once()) check_coda_once(base, rows_M, mask_BT);
    if (plan().most_passes > 1) check_next_pass(base, rows_M, mask_BT);
    const at::Tensor all_NV = network().logits(network().refine_all(base, rule())).flatten(0, 1);
    if (sees_refined(rule())) {
      const at::Tensor every_BT = at::ones_like(mask_BT);
      const at::Tensor defined_NV =
          network()
              .logits(network().refine_masked(base, every_BT, {rule()}).features_BTD)
              .flatten(0, 1);
      return found(Check::kSparse, worst_row(all_NV, defined_NV) / epsilon_);
    }
    const at::Tensor all_MV = all_NV.index_select(0, there_M);
    found(Check::kSparse, worst_row(network().logits(sparse_MD), all_MV) / epsilon_);
  }

  void check_coda_once(const BasePasses& base, const at::Tensor& rows_M,
                       const at::Tensor& mask_BT) {
    const auto logits_of = [&](const BasePasses& refined) {
      return network().logits(network().finish(refined)).flatten(0, 1);
    };
    const at::Tensor sparse_NV =
        logits_of(network().advance(base, network().refine(base, rows_M, plan().how)));
    const at::Tensor masked_NV = logits_of(network().refine_masked(base, mask_BT, plan().how));
    found(Check::kSparse, worst_row(sparse_NV, masked_NV) / epsilon_);
  }

  /// One more pass, over every other of the rows.
  void check_next_pass(const BasePasses& base, const at::Tensor& rows_M,
                       const at::Tensor& mask_BT) {
    const at::Tensor fewer_K = rows_M.slice(0, 0, std::nullopt, 2);
    at::Tensor fewer_BT = at::zeros_like(mask_BT);
    fewer_BT.view(-1).index_fill_(0, fewer_K, true);
    const auto logits_of = [&](const BasePasses& refined) {
      return network().logits(refined.features_BTD).flatten(0, 1);
    };
    const BasePasses sparse = network().advance(base, network().refine(base, rows_M, plan().how));
    const at::Tensor sparse_NV =
        logits_of(network().advance(sparse, network().refine(sparse, fewer_K, plan().how)));
    const at::Tensor masked_NV = logits_of(network().refine_masked(
        network().refine_masked(base, mask_BT, plan().how), fewer_BT, plan().how));
    found(Check::kSparse, worst_row(sparse_NV, masked_NV) / epsilon_);
  }

  /// The gate's, and some more.
  at::Tensor rows_to_refine() const {
    const std::vector<uint8_t> refined = operations_.score(batch_).refined;
    const int64_t* rows = batch_.rows_N.const_data_ptr<int64_t>();
    std::vector<int64_t> picked;
    for (size_t n = 0; n < refined.size(); ++n)
      if (refined[n] > 0 || n % kDenseStride == 0) picked.push_back(rows[n]);
    return at::tensor(picked, at::kLong);
  }

  const CheckedOperations& operations_;
  const ScoringBatch& batch_;
  double epsilon_;
  Measured measured_ = nothing_measured();
};

}  // namespace

void keep_worse(double& worst, double measured) {
  if (std::isnan(measured)) measured = std::numeric_limits<double>::infinity();
  worst = std::max(worst, measured);
}

CheckedOperations::CheckedOperations(const Scorer& checked)
    : scorer(checked),
      base_logits([&network = checked.network()](const at::Tensor& tokens_BT) {
        return network.logits(network.base_passes(tokens_BT).features_BTD);
      }),
      score([&checked](const ScoringBatch& batch) {
        Accounting unused;
        UnitDepths nothing;
        return checked.score(batch, nothing, unused);
      }),
      predict([](const at::Tensor& logits_NV, const at::Tensor& targets_N) {
        return reprise::predict(logits_NV, targets_N);
      }),
      refine_rows([&network = checked.network(), rule = checked.plan().how.rule](
                      const BasePasses& base, const at::Tensor& rows_M) {
        return network.refine_rows(base, rows_M, rule);
      }) {}

Measured check_sample(const CheckedOperations& operations, const ScoringBatch& batch,
                      double epsilon) {
  return SampleChecks(operations, batch, epsilon).run();
}

}  // namespace reprise
