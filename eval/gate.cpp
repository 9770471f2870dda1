#include "eval/gate.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "eval/gates/thresholds.h"

namespace reprise {
namespace {

class ThresholdGate : public Gate {
 public:
  ThresholdGate(GateExpression gate, std::vector<float> thresholds)
      : gate_(std::move(gate)), thresholds_(std::move(thresholds)) {}

  std::vector<Signal> terms() const override { return gate_.terms; }

  GateScores score(const CoarseSignals& signals) const override {
    std::vector<std::vector<float>> scores;
    for (const Signal term : gate_.terms) scores.push_back(scores_of(term, signals));
    const std::vector<std::span<const float>> terms(scores.begin(), scores.end());
    GateScores all{joint_margins(terms, thresholds_, gate_.join), 0};
    for (size_t n = 0; n < all.margins.size(); ++n)
      all.nan += std::ranges::any_of(scores, [n](const auto& of) { return std::isnan(of[n]); });
    return all;
  }

 private:
  static std::vector<float> scores_of(Signal term, const CoarseSignals& signals) {
    std::vector<float> scores = values_of(term, signals);
    for (float& score : scores) score *= static_cast<float>(direction(term));
    return scores;
  }
  static std::vector<float> values_of(Signal term, const CoarseSignals& signals) {
    if (term == Signal::kEntropy) return {signals.entropy.begin(), signals.entropy.end()};
    if (term == Signal::kMargin) return {signals.margin.begin(), signals.margin.end()};
    if (term != Signal::kPosition) return signals.others.at(term);
    std::vector<float> positions;  // of the token read: the one before the predicted
    for (const TokenPlace& place : signals.places)
      positions.push_back(static_cast<float>(place.position - 1));
    return positions;
  }

  GateExpression gate_;
  std::vector<float> thresholds_;
};

}  // namespace

std::unique_ptr<Gate> make_gate(const GateExpression& gate, std::vector<float> thresholds) {
  require(gate.terms.size() == thresholds.size(), ExitCode::kUsage, "the gate '", to_text(gate),
          "' has ", gate.terms.size(), " terms and ", thresholds.size(), " thresholds");
  for (const Signal term : gate.terms)
    require(term != Signal::kToken && term != Signal::kFrequency, ExitCode::kUsage, "the gate '",
            to_text(gate), "' looks at ", enum_name(term),
            ", of which no artifact carries a table; it can be drawn, not run");
  return std::make_unique<ThresholdGate>(gate, std::move(thresholds));
}

std::unique_ptr<Gate> make_gate(const GateRule& rule) {
  for (const Signal signal : {Signal::kEntropy, Signal::kHead})
    if (rule.signal == enum_name(signal))
      return make_gate(
          GateExpression{{signal}, Join::kAll},
          {static_cast<float>(rule.threshold)});  // it is one of the scores it was set on
  fail(ExitCode::kBadInput, "the artifact's gate reads '", rule.signal,
       "', this program knows entropy and head; pack it again");
}

}  // namespace reprise
