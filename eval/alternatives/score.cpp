#include "eval/alternatives/score.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "base/progress.h"
#include "eval/alternatives/noise.h"

namespace reprise {
namespace {

/// The refinement passes behind one another that the plan reads, by how many.
std::map<int64_t, at::Tensor> serial_features(const ArmPlan& plan, const SecondLook& look,
                                              const ScoringBatch& batch, const LookedAt& seen) {
  std::map<int64_t, at::Tensor> by_passes;
  int64_t deepest = 1;
  for (const Source& source : plan.sources)
    if (source.kind == Source::kSerial) deepest = std::max(deepest, source.index);
  BasePasses base = seen.base;
  RefinedRows refined = seen.all;
  for (int64_t pass = 2; pass <= deepest; ++pass) {
    base = look.network().advance(base, refined);
    refined = look.network().refine(base, refined.rows_M, {.rule = look.rule()});
    by_passes[pass] = scored_features(refined.features_MD, batch);
  }
  return by_passes;
}

/// Noise of each trajectory, drawn once for all sigmas.
class Trajectories {
 public:
  Trajectories(const ArmNetworks& networks, const ScoringBatch& batch, const LookedAt& seen)
      : networks_(networks), batch_(batch), seen_(seen) {}

  at::Tensor features(const Source& source) {
    at::Tensor& noise_MC = noise_[source.index];
    if (!noise_MC.defined())
      noise_MC = draw_noise(batch_, state_channels(seen_.base), networks_.seed, source.index);
    const BasePasses base = disturb(seen_.base, noise_MC, source.sigma);
    return scored_features(networks_.own.network()
                               .refine(base, seen_.all.rows_M, {.rule = networks_.own.rule()})
                               .features_MD,
                           batch_);
  }

 private:
  const ArmNetworks& networks_;
  const ScoringBatch& batch_;
  const LookedAt& seen_;
  std::map<int64_t, at::Tensor> noise_;
};

/// Logits and log-probabilities of some rows by source, each made when first asked for.
class BlockReader {
 public:
  BlockReader(const ArmPlan& plan, const ArmNetworks& networks,
              const std::vector<at::Tensor>& features, std::span<const uint8_t> picked,
              const at::Tensor& targets_N, int64_t first)
      : plan_(plan),
        networks_(networks),
        features_(features),
        picked_(picked),
        targets_N_(targets_N),
        first_(first),
        logits_(plan.sources.size()),
        log_probabilities_(plan.sources.size()) {}

  std::vector<double> nats(const Arm& arm) {
    std::vector<std::vector<double>> predictions;
    if (arm.mixing == Mixing::kLogits) {
      at::Tensor mean_NV = logits(arm.sources[0]);
      for (size_t s = 1; s < arm.sources.size(); ++s) mean_NV = mean_NV + logits(arm.sources[s]);
      if (arm.sources.size() > 1) mean_NV = mean_NV / static_cast<double>(arm.sources.size());
      if (arm.change) mean_NV = changed(mean_NV, *arm.change, picked_);
      predictions.push_back(target_log_probabilities(mean_NV, targets_N_));
    } else {
      for (const size_t source : arm.sources) predictions.push_back(log_probabilities(source));
    }
    return mixture_nats(predictions);
  }

 private:
  const at::Tensor& logits(size_t source) {
    at::Tensor& made = logits_[source];
    if (made.defined()) return made;
    const Network& network =
        plan_.sources[source].kind == Source::kSecond ? *networks_.second : networks_.own.network();
    return made = network.logits(features_[source].narrow(0, first_, targets_N_.numel()))
                      .to(at::kDouble);
  }
  const std::vector<double>& log_probabilities(size_t source) {
    std::vector<double>& made = log_probabilities_[source];
    if (made.empty()) made = target_log_probabilities(logits(source), targets_N_);
    return made;
  }

  const ArmPlan& plan_;
  const ArmNetworks& networks_;
  const std::vector<at::Tensor>& features_;
  std::span<const uint8_t> picked_;
  at::Tensor targets_N_;
  int64_t first_;
  std::vector<at::Tensor> logits_;
  std::vector<std::vector<double>> log_probabilities_;
};

/// Of a whole split on this rank; zeros where another rank scores.
class Sums {
 public:
  Sums(size_t documents, size_t arms) : nats_(documents, arms) {}

  void add(size_t document, size_t arm, double nats) { nats_.add(document, arm, nats); }
  void add_work(const ScoringBatch& batch, const PassWork& gated) {
    for (const double keys : batch.keys) work_ += {1, keys, 1};
    gated_ += gated;
  }

  double predictions() const { return work_.positions; }

  /// Whole numbers: no order of the ranks changes a bit.
  ArmScores over_ranks(const std::vector<Document>& documents, Communicator& comm) && {
    ArmScores scores;
    scores.arms = std::move(nats_).over_ranks(documents, comm);
    for (auto [sum, mine] : {std::pair{&scores.work, work_}, {&scores.gated, gated_}})
      *sum = {sum_over_ranks(comm, mine.positions), sum_over_ranks(comm, mine.keys),
              sum_over_ranks(comm, mine.readouts)};
    scores.tokens = std::llround(scores.work.positions);
    return scores;
  }

 private:
  DocumentSums nats_;
  PassWork work_, gated_;
};

void score_batch(const ArmPlan& plan, const ArmNetworks& networks, const ScoringBatch& batch,
                 size_t first_document, Depths& depths, Sums& sums) {
  const LookedAt seen = networks.own.look(batch, depths);
  const auto nats = arm_nats(plan, networks, source_features(plan, networks, batch, seen),
                             seen.rows.picked, batch.targets_N);
  for (size_t a = 0; a < nats.size(); ++a)
    for (size_t n = 0; n < nats[a].size(); ++n)
      sums.add(first_document + static_cast<size_t>(batch.documents[n]), a, nats[a][n]);
  sums.add_work(batch, seen.refined_by_gate);
}

void require_finite(const ArmPlan& plan, const ArmScores& scores) {
  for (size_t a = 0; a < scores.arms.size(); ++a)
    for (const DocumentScore& document : scores.arms[a])
      require(std::isfinite(document.nats.value), ExitCode::kBadInput, "the arm ",
              plan.arms[a].name, " gives predictions of the test split that are not finite");
}

}  // namespace

std::vector<at::Tensor> source_features(const ArmPlan& plan, const ArmNetworks& networks,
                                        const ScoringBatch& batch, const LookedAt& seen) {
  const at::NoGradGuard no_grad;
  const auto serial = serial_features(plan, networks.own, batch, seen);
  Trajectories trajectories(networks, batch, seen);
  const auto features_of = [&](const Source& source) -> at::Tensor {
    switch (source.kind) {
      case Source::kState:
        return seen.rows.features_ND[static_cast<size_t>(source.index)];
      case Source::kPass:
        return scored_features(networks.own.network().readout(seen.base, source.index), batch);
      case Source::kSecond:
        return scored_features(networks.second->base_passes(batch.tokens_BT).features_BTD, batch);
      case Source::kTrajectory:
        return trajectories.features(source);
      case Source::kSerial:
        return serial.at(source.index);
    }
    fail(ExitCode::kFailure, "a source of no kind");
  };
  std::vector<at::Tensor> features;
  for (const Source& source : plan.sources) features.push_back(features_of(source));
  return features;
}

std::vector<std::vector<double>> arm_nats(const ArmPlan& plan, const ArmNetworks& networks,
                                          const std::vector<at::Tensor>& features,
                                          const std::vector<uint8_t>& picked,
                                          const at::Tensor& targets_N) {
  const at::NoGradGuard no_grad;
  std::vector<std::vector<double>> nats(plan.arms.size());
  const int64_t rows = targets_N.numel(),
                step = rows_at_once(networks.own.network().options().vocab);
  for (int64_t first = 0; first < rows; first += step) {
    const int64_t count = std::min(step, rows - first);
    BlockReader block(
        plan, networks, features,
        std::span(picked).subspan(static_cast<size_t>(first), static_cast<size_t>(count)),
        targets_N.narrow(0, first, count), first);
    for (size_t a = 0; a < plan.arms.size(); ++a) {
      const std::vector<double> more = block.nats(plan.arms[a]);
      nats[a].insert(nats[a].end(), more.begin(), more.end());
    }
  }
  return nats;
}

ArmScores score_arms(const ArmPlan& plan, const ArmNetworks& networks, const Corpus& corpus,
                     const ScoringOptions& scoring, const UnitOptions& windows,
                     Communicator& comm) {
  const auto& documents = corpus.documents(Split::kTest);
  require(documents.size() >= 2, ExitCode::kBadInput, "the test split holds ", documents.size(),
          " documents; an error needs two");
  const auto units = plan_units(documents, scoring.unit_tokens);
  Sums sums(documents.size(), plan.arms.size());
  Progress progress("units of test", std::ssize(units), comm.rank());
  for (auto u = static_cast<size_t>(comm.rank()); u < units.size();
       u += static_cast<size_t>(comm.size())) {
    Depths depths;
    for (const ScoringBatch& batch :
         make_batches(read_unit(corpus, Split::kTest, units[u]), windows))
      score_batch(plan, networks, batch, static_cast<size_t>(units[u].first_document), depths,
                  sums);
    progress.update(
        static_cast<int64_t>(u) + 1,
        concat(fixed(sums.predictions() / progress.elapsed_s(), 0), " tokens/s a rank"));
  }
  ArmScores scores = std::move(sums).over_ranks(documents, comm);
  require_finite(plan, scores);
  return scores;
}

}  // namespace reprise
