#include "eval/checks.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/random.h"

namespace reprise {
namespace {

enum Check : size_t { kPrediction, kGate, kRefined, kNormalisation, kSparse, kChecks };
constexpr std::array<const char*, kChecks> kNames = {"causality_prediction", "causality_gate",
                                                     "causality_refined", "normalisation",
                                                     "sparse_equals_dense"};
using Measured = std::array<double, kChecks>;

/// Base passes and gates are the same operations on the same shapes, so nothing at all may move.
/// The sparse pass multiplies another number of rows, which may round differently: by 2^-24 a sum
/// in fp32 and 2^-9 in bf16, over tens of layers and logits of tens.
constexpr Measured kFp32Tolerances = {0, 0, 1e-3, 1e-6, 1e-3};
constexpr Measured kBf16Tolerances = {0, 0, 0.5, 1e-6, 0.5};

constexpr int64_t kRowsToNormalise = 2;  // of every sample
constexpr int64_t kTargetsAtOnce = 1024;
constexpr size_t kDenseStride =
    7;  // positions refined beside the gate's, so that the comparison is never empty

double largest(const at::Tensor& difference) {
  return difference.numel() == 0 ? 0.0 : difference.abs().max().item<double>();
}

/// Keeps the worse of two deviations; one that is not a number is the worst there is.
void keep_worse(double& worst, double measured) {
  if (std::isnan(measured)) measured = std::numeric_limits<double>::infinity();
  worst = std::max(worst, measured);
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
  SampleChecks(const Scorer& scorer, const ScoringBatch& batch) : scorer_(scorer), batch_(batch) {}

  Measured run() const {
    Measured measured{};
    const at::NoGradGuard no_grad;
    check_causality(measured);
    check_normalisation(measured);
    if (scorer_.passes() == Passes::kRefined) check_sparse(measured);
    return measured;
  }

 private:
  /// Scored rows at positions of their sequence up to `cut`: what may not depend on the tokens
  /// behind it.
  bool before(size_t n, int64_t cut) const {
    return batch_.rows_N[static_cast<int64_t>(n)].item<int64_t>() % batch_.tokens_BT.size(1) <= cut;
  }

  void check_causality(Measured& measured) const {
    const int64_t cut = batch_.tokens_BT.size(1) / 2 - 1;
    const Network& network = scorer_.network();
    const ScoringBatch other = with_other_future(batch_, cut, network.options().vocab);
    const auto logits_before = [&](const ScoringBatch& batch) {
      return network.logits(
          network.base_passes(batch.tokens_BT).features_BTD.narrow(1, 0, cut + 1));
    };
    keep_worse(measured[kPrediction], largest(logits_before(batch_) - logits_before(other)));
    if (scorer_.passes() == Passes::kBaseOnly) return;
    Accounting unused;
    const BatchScores left = scorer_.score(batch_, unused), right = scorer_.score(other, unused);
    for (size_t n = 0; n < batch_.places.size() && before(n, cut); ++n) {
      measured[kGate] +=
          (left.refined[n] != right.refined[n]) + (left.random[n] != right.random[n]);
      if (!before(n, cut - 1)) continue;  // the target of the last row was replaced
      for (const auto& [a, b] : {std::pair{&left.nll_gated, &right.nll_gated},
                                 {&left.nll_random, &right.nll_random},
                                 {&left.all.nll, &right.all.nll}})
        keep_worse(measured[kRefined], std::abs((*a)[n] - (*b)[n]));
    }
  }

  void check_normalisation(Measured& measured) const {
    const Network& network = scorer_.network();
    const bool refined = scorer_.passes() == Passes::kRefined;
    const BasePasses base = network.base_passes(batch_.tokens_BT, {.keys = refined});
    check_sums(base.features_BTD, measured);
    if (refined) check_sums(network.refine_all(base), measured);
  }

  void check_sums(const at::Tensor& features_BTD, Measured& measured) const {
    const int64_t rows = batch_.rows_N.numel();
    for (int64_t k = 1; k <= kRowsToNormalise; ++k) {
      const at::Tensor row = batch_.rows_N[(rows - 1) * k / kRowsToNormalise];
      const at::Tensor logits_V = scorer_.network().logits(features_BTD.flatten(0, 1).index({row}));
      keep_worse(measured[kNormalisation], std::abs(probability_mass(logits_V) - 1));
    }
  }

  /// The sum of what predict() gives for every token as the target.
  static double probability_mass(const at::Tensor& logits_V) {
    const int64_t vocab = logits_V.numel();
    double mass = 0;
    for (int64_t first = 0; first < vocab; first += kTargetsAtOnce) {
      const at::Tensor targets =
          at::arange(first, std::min(first + kTargetsAtOnce, vocab), at::kLong);
      for (const double nll : predict(logits_V.expand({targets.numel(), vocab}), targets).nll)
        mass += std::exp(-nll);
    }
    return mass;
  }

  void check_sparse(Measured& measured) const {
    const Network& network = scorer_.network();
    const BasePasses base = network.base_passes(batch_.tokens_BT, {.keys = true});
    const Predictions coarse = scorer_.score_base(batch_);
    auto picked = scorer_.gates().gate->decide({coarse.entropy, coarse.margin, batch_.places});
    for (size_t n = 0; n < picked.size(); n += kDenseStride) picked[n] = 1;

    const at::Tensor rows_M = picked_rows(batch_.rows_N, picked);
    at::Tensor mask_BT = at::zeros_like(batch_.tokens_BT, at::kBool);
    mask_BT.view(-1).index_fill_(0, rows_M, true);
    const at::Tensor dense_BTD = network.refine_masked(base, mask_BT);
    const at::Tensor sparse_BTD = base.features_BTD.flatten(0, 1)
                                      .index_copy(0, rows_M, network.refine_rows(base, rows_M))
                                      .view_as(dense_BTD);
    keep_worse(measured[kSparse], largest(network.logits(dense_BTD) - network.logits(sparse_BTD)));
  }

  const Scorer& scorer_;
  const ScoringBatch& batch_;
};

}  // namespace

std::vector<CheckResult> run_checks(const Scorer& scorer, const std::vector<ScoringBatch>& samples,
                                    Arithmetic arithmetic, Communicator& comm) {
  Measured worst{};
  for (size_t i = static_cast<size_t>(comm.rank()); i < samples.size();
       i += static_cast<size_t>(comm.size())) {
    const Measured measured = SampleChecks(scorer, samples[i]).run();
    for (size_t check = 0; check < kChecks; ++check) keep_worse(worst[check], measured[check]);
  }
  comm.all_reduce(Buffer::of(worst.data(), kChecks), Reduction::kMax);
  const Measured& tolerances = arithmetic == Arithmetic::kBf16 ? kBf16Tolerances : kFp32Tolerances;
  std::vector<CheckResult> results;
  for (size_t check = 0; check < kChecks; ++check)
    results.push_back({kNames[check], worst[check], tolerances[check]});
  return results;
}

void require_passed(const std::vector<CheckResult>& checks) {
  for (const CheckResult& check : checks)
    require(check.passed(), ExitCode::kInvalidTrace, "the check ", check.name,
            " failed: ", check.measured, " exceeds ", check.tolerance, "; nothing was scored");
}

nlohmann::json to_json(const std::vector<CheckResult>& checks) {
  nlohmann::json json = nlohmann::json::object();
  for (const CheckResult& check : checks)
    json[check.name] = {
        {"passed", check.passed()}, {"measured", check.measured}, {"tolerance", check.tolerance}};
  return json;
}

}  // namespace reprise
