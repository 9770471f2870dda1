#include "eval/sweep/score.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "base/progress.h"
#include "models/device.h"

namespace reprise {
namespace {

/// All that any of the gates looks at.
std::vector<Signal> terms_of(const std::vector<Chooser>& choosers) {
  std::vector<Signal> terms;
  for (const Chooser& chooser : choosers)
    for (const Signal term : chooser.gate().terms()) terms.push_back(term);
  return terms;
}

/// What a unit's gate and its controls gave each position.
struct GateDepths {
  UnitDepths gate;
  std::vector<Depths> controls;
};

/// The rows that are marked, kept in `depths`.
RowChoice choice_of(const ScoringBatch& batch, const std::vector<uint8_t>& picked, Depths& depths) {
  std::vector<size_t> rows;
  for (size_t n = 0; n < picked.size(); ++n) {
    if (!picked[n]) continue;
    rows.push_back(n);
    depths.set(batch.documents[n], batch.places[n].position, 1);
  }
  return {[rows](int64_t, const Candidates&) { return rows; }, depths};
}

class Sweeper {
 public:
  Sweeper(const SweptNetwork& swept, const std::vector<Chooser>& choosers, const Corpus& corpus)
      : swept_(swept),
        choosers_(choosers),
        flops_(swept.network.options()),
        signals_(swept.network, swept.head, terms_of(choosers), /*every_signal=*/false),
        bins_(corpus.train_counts()),
        sums_(corpus.documents(Split::kTest).size(), arm_of(choosers.size(), 0)),
        refined_(choosers.size(), 0),
        nan_(choosers.size(), 0) {}

  /// A batch of the unit that begins with `first_document`; `depths` are the unit's, by gate.
  void take(const ScoringBatch& batch, size_t first_document, std::vector<GateDepths>& depths) {
    const Network& network = swept_.network;
    const bool sums = network.options().readout == Readout::kSum;
    const BasePasses base = network.base_passes(
        batch.tokens_BT, {.keys = true, .all_passes = sums, .trail = signals_.reads_trail()});
    const auto [coarse, others, _] = signals_.of_base(base, batch.rows_N, batch.targets_N);
    add(kNone, batch, first_document, coarse.nll);
    const std::vector<double> all = refine_all(base, batch);
    add(kAll, batch, first_document, all);
    const Candidates candidates = every_row(batch, coarse, others);
    const SignalsOfReadouts none_again = [](const auto&, const auto&) { return SignalValues{}; };
    const RefinementRun run(network, flops_, swept_.plan, base, batch, candidates, none_again);
    PassCost unused;
    for (size_t g = 0; g < choosers_.size(); ++g) {
      UnitDepths& gate = depths[g].gate;
      add(arm_of(g, 0), batch, first_document,
          run.run(choosers_[g].by_gate(batch, gate, nan_[g]), unused));
      const std::vector<uint8_t> refined = depths_of(batch, gate.gate);
      refined_[g] += std::ranges::count(refined, uint8_t{1});
      const std::vector<float> margins =
          choosers_[g].gate().score({coarse.entropy, coarse.margin, batch.places, others}).margins;
      for (size_t c = 0; c < swept_.controls.size(); ++c) {
        const auto picked = pick_by(swept_.controls[c], swept_.seed, bins_,
                                    {batch, refined, margins, coarse.nll, all});
        add(arm_of(g, 1 + c), batch, first_document,
            run.run(choice_of(batch, picked, depths[g].controls[c]), unused));
      }
    }
    tokens_ += std::ssize(batch.places);
  }

  int64_t tokens() const { return tokens_; }

  SweepScores over_ranks(const std::vector<Document>& documents, Communicator& comm) && {
    SweepScores scores;
    std::vector<DocumentScores> arms = std::move(sums_).over_ranks(documents, comm);
    scores.none = std::move(arms[kNone]);
    scores.all = std::move(arms[kAll]);
    for (size_t g = 0; g < choosers_.size(); ++g) {
      scores.gated.push_back(std::move(arms[arm_of(g, 0)]));
      scores.controls.emplace_back();
      for (size_t c = 0; c < swept_.controls.size(); ++c)
        scores.controls.back().push_back(std::move(arms[arm_of(g, 1 + c)]));
      scores.refined.push_back(sum_over_ranks(comm, refined_[g]));
      scores.nan_scores.push_back(sum_over_ranks(comm, nan_[g]));
    }
    scores.tokens = sum_over_ranks(comm, tokens_);
    return scores;
  }

 private:
  static constexpr size_t kNone = 0, kAll = 1, kGates = 2;
  /// A gate's own arm, and its controls' behind it.
  size_t arm_of(size_t gate, size_t place) const {
    return kGates + gate * (1 + swept_.controls.size()) + place;
  }

  std::vector<double> refine_all(const BasePasses& base, const ScoringBatch& batch) const {
    const at::Tensor features_BTD = swept_.network.refine_all(base, swept_.plan.how.rule);
    return predict(swept_.network, readouts_at(features_BTD, batch.rows_N), batch.targets_N).nll;
  }
  void add(size_t arm, const ScoringBatch& batch, size_t first_document,
           const std::vector<double>& nats) {
    for (size_t n = 0; n < nats.size(); ++n)
      sums_.add(first_document + static_cast<size_t>(batch.documents[n]), arm, nats[n]);
  }

  const SweptNetwork& swept_;
  const std::vector<Chooser>& choosers_;
  PassFlops flops_;
  SignalReader signals_;
  FrequencyBins bins_;
  DocumentSums sums_;
  std::vector<int64_t> refined_, nan_;
  int64_t tokens_ = 0;
};

}  // namespace

SweepScores score_sweep(const SweptNetwork& swept, const std::vector<Chooser>& choosers,
                        const Corpus& corpus, const ScoringOptions& scoring,
                        const UnitOptions& windows, Communicator& comm) {
  const at::NoGradGuard no_grad;
  const auto& documents = corpus.documents(Split::kTest);
  const auto units = plan_units(documents, scoring.unit_tokens);
  Sweeper sweeper(swept, choosers, corpus);
  Progress progress("units of test", std::ssize(units), comm.rank());
  for (auto u = static_cast<size_t>(comm.rank()); u < units.size();
       u += static_cast<size_t>(comm.size())) {
    std::vector<GateDepths> depths(choosers.size(),
                                   {{}, std::vector<Depths>(swept.controls.size())});
    for (const ScoringBatch& batch :
         make_batches(read_unit(corpus, Split::kTest, units[u]), windows))
      sweeper.take(batch, static_cast<size_t>(units[u].first_document), depths);
    progress.update(static_cast<int64_t>(u) + 1,
                    concat(fixed(static_cast<double>(sweeper.tokens()) / progress.elapsed_s(), 0),
                           " tokens/s a rank"));
  }
  return std::move(sweeper).over_ranks(documents, comm);
}

}  // namespace reprise
