#include "eval/choosing.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "eval/control.h"
#include "eval/signal_reader.h"

namespace reprise {

void require_decidable(const Gate& gate, const RefinementPolicy* policy,
                       const RefinementPlan& plan) {
  require(plan.most_passes == 1 || !policy || policy->looks_at_one(), ExitCode::kUsage,
          "a policy with a running quantile, segments, a bucket or a cap decides about one "
          "refinement pass; for more draw the curves under a plain threshold");
  require(!plan.coda_once() || plan.most_passes == 1, ExitCode::kUsage,
          "where the coda runs once there is one refinement pass: behind the first no gate has a "
          "readout to look at");
  for (const Signal term : gate.terms()) {
    require(plan.most_passes == 1 || known_after_any_pass(term), ExitCode::kUsage,
            "the gate looks at ", enum_name(term),
            ", which is known of the base passes alone; for more than one refinement pass choose "
            "entropy, margin, max-probability, head or position");
    require(!plan.coda_once() || known_before_readout(term), ExitCode::kUsage, "the gate looks at ",
            enum_name(term),
            ", which is not known before the coda; where it runs once choose residual, cosine, "
            "second-order or position");
  }
}

Chooser::Chooser(std::shared_ptr<const Gate> gate, std::shared_ptr<const RefinementPolicy> policy,
                 uint64_t control_seed)
    : gate_(std::move(gate)), policy_(std::move(policy)), control_seed_(control_seed) {
  if (!policy_) policy_ = make_threshold(0);
}

RowChoice Chooser::by_gate(const ScoringBatch& batch, UnitDepths& depths, int64_t& nan) const {
  const auto scored = [&](int64_t pass, const Candidates& candidates) {
    return choose(batch, candidates, pass, depths.gate, nan);
  };
  return {scored, depths.gate};
}

RowChoice Chooser::by_control(const ScoringBatch& batch, UnitDepths& depths) const {
  const auto scored = [&](int64_t pass, const Candidates&) { return draw(batch, pass, depths); };
  return {scored, depths.control};
}

/// Documents one after another, each with what its policy remembers.
std::vector<uint8_t> Chooser::decide(const ScoringBatch& batch, const Candidates& candidates,
                                     const std::vector<float>& margins, int64_t pass,
                                     Depths& depths) const {
  std::vector<uint8_t> picked;
  const auto document = [&](size_t c) { return batch.documents[candidates.rows[c]]; };
  for (size_t first = 0, end = 0; first < margins.size(); first = end) {
    while (end < margins.size() && document(end) == document(first)) ++end;
    const auto of_document = policy_->decide(std::span(margins).subspan(first, end - first),
                                             depths.state(document(first), pass));
    picked.insert(picked.end(), of_document.begin(), of_document.end());
  }
  return picked;
}

std::vector<size_t> Chooser::choose(const ScoringBatch& batch, const Candidates& candidates,
                                    int64_t pass, Depths& depths, int64_t& nan) const {
  std::vector<TokenPlace> places;
  for (const size_t n : candidates.rows) places.push_back(batch.places[n]);
  const Predictions& predictions = candidates.predictions;
  const GateScores scores =
      gate_->score({predictions.entropy, predictions.margin, places, candidates.others});
  nan += scores.nan;
  const std::vector<uint8_t> picked = decide(batch, candidates, scores.margins, pass, depths);
  std::vector<size_t> rows;
  for (size_t c = 0; c < picked.size(); ++c) {
    if (!picked[c]) continue;
    const size_t n = candidates.rows[c];
    rows.push_back(n);
    depths.set(batch.documents[n], batch.places[n].position, static_cast<uint8_t>(pass));
  }
  return rows;
}

/// As many of every window's positions as the gate gave so many passes. Positions drawn for a later
/// pass are among those drawn for one before, as they are the first of one order.
std::vector<size_t> Chooser::draw(const ScoringBatch& batch, int64_t pass,
                                  UnitDepths& depths) const {
  std::vector<uint8_t> gate = depths_of(batch, depths.gate);
  for (uint8_t& depth : gate) depth = depth >= pass;
  const auto drawn = draw_control(control_seed_, gate, batch.places, batch.windows);
  std::vector<size_t> rows;
  for (size_t n = 0; n < drawn.size(); ++n) {
    if (!drawn[n]) continue;
    rows.push_back(n);
    depths.control.set(batch.documents[n], batch.places[n].position, static_cast<uint8_t>(pass));
  }
  return rows;
}

std::vector<uint8_t> depths_of(const ScoringBatch& batch, const Depths& depths) {
  std::vector<uint8_t> of_rows;
  for (size_t n = 0; n < batch.places.size(); ++n)
    of_rows.push_back(depths.at(batch.documents[n], batch.places[n].position));
  return of_rows;
}

Candidates every_row(const ScoringBatch& batch, const Predictions& predictions,
                     const SignalValues& signals) {
  Candidates all{std::vector<size_t>(batch.places.size()), predictions, signals};
  std::iota(all.rows.begin(), all.rows.end(), size_t{0});
  return all;
}

}  // namespace reprise
