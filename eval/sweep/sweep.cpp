#include "eval/sweep/sweep.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "eval/curves/joint_bootstrap.h"
#include "eval/curves/options.h"
#include "eval/model.h"
#include "eval/start_device.h"
#include "eval/sweep/score.h"
#include "models/device.h"

namespace reprise {
namespace {

using nlohmann::json;

/// Whether artifacts have what it looks at.
bool can_run(const GateExpression& gate, const Artifact& artifact) {
  return std::ranges::none_of(gate.terms, [&](Signal term) {
    return term == Signal::kToken || term == Signal::kFrequency ||
           (term == Signal::kHead && artifact.gate.head_reads.empty());
  });
}

/// Those that are named, or all of the record that an artifact can run.
std::vector<GateExpression> gates_of(const json& record, const SweepOptions& options,
                                     const Artifact& artifact) {
  if (!options.gates.empty()) return parse_gates(options.gates, "sweep.gates");
  std::vector<GateExpression> gates;
  for (const json& curve : record.at("gates")) {
    const GateExpression gate = parse_gate(curve.at("gate").get<std::string>());
    if (can_run(gate, artifact)) gates.push_back(gate);
  }
  return gates;
}

std::vector<double> budgets_of(const json& record, const SweepOptions& options) {
  if (!options.budgets.empty()) return parse_budgets(options.budgets, "sweep.budgets");
  std::vector<double> budgets;
  for (const json& point : record.at("gates").at(0).at("points")) {
    const double budget = point.at("budget");
    if (budget > 0 && budget < 1) budgets.push_back(budget);
  }
  return budgets;
}

std::vector<SweptGate> choose_gates(const ScoredArtifact& artifact, const Corpus& corpus,
                                    const SweepOptions& options, const EvalOptions& scoring) {
  const json record = json::parse(read_file(options.curves), nullptr, /*allow_exceptions=*/false);
  std::vector<SweptGate> swept;
  try {
    for (const GateExpression& gate : gates_of(record, options, artifact.artifact))
      for (const double budget : budgets_of(record, options)) {
        EvalOptions of = scoring;
        of.gate = to_text(gate);
        of.budget = budget;
        SweptGate& swept_gate = swept.emplace_back();
        swept_gate.gate = of.gate;
        swept_gate.budget = budget;
        swept_gate.choice = choose_gate(artifact, corpus, of);
      }
  } catch (const json::exception&) {
    fail(ExitCode::kBadInput, options.curves,
         ": not a record of `reprise curves`, or a damaged one; draw the curves again");
  }
  require(!swept.empty(), ExitCode::kUsage, options.curves,
          ": holds no gate that an artifact can run at a budget between 0 and 1; draw one");
  return swept;
}

/// As `reprise eval` would be told.
EvalOptions eval_options(const SweepOptions& options, const ScoringOptions& scoring,
                         const UnitOptions& windows) {
  EvalOptions eval;
  static_cast<ScoringOptions&>(eval) = scoring;
  eval.window = windows.windows.length;
  eval.stride = windows.windows.stride;
  eval.corpus = options.corpus;
  eval.curves = options.curves;
  return eval;
}

/// Differences of one gate: itself minus none; each control minus none, and itself minus that.
class GateContrasts {
 public:
  GateContrasts(const SweepScores& scores, size_t gate, std::vector<DocumentScores>& contrasts)
      : first_(contrasts.size()) {
    const DocumentScores& own = scores.gated[gate];
    contrasts.push_back(difference(own, scores.none));
    for (const DocumentScores& control : scores.controls[gate]) {
      contrasts.push_back(difference(control, scores.none));
      contrasts.push_back(difference(own, control));
    }
  }

  void write(const std::vector<EstimateWithin>& found, size_t controls, SweptGate& gate) const {
    gate.minus_none = found[first_];
    for (size_t c = 0; c < controls; ++c) {
      gate.controls_minus_none.push_back(found[first_ + 1 + 2 * c]);
      gate.minus_controls.push_back(found[first_ + 2 + 2 * c]);
    }
  }

 private:
  size_t first_;
};

void estimate(const SweepScores& scores, const BootstrapOptions& bootstrap, Sweep& sweep) {
  std::vector<DocumentScores> contrasts{difference(scores.all, scores.none)};
  std::vector<GateContrasts> gates;
  for (size_t g = 0; g < sweep.gates.size(); ++g) gates.emplace_back(scores, g, contrasts);
  const auto draws = bootstrap_jointly(contrasts, bootstrap);
  std::vector<EstimateWithin> found;
  for (size_t i = 0; i < contrasts.size(); ++i) found.push_back(within(contrasts[i], draws[i]));
  sweep.none = estimate_of(scores.none);
  sweep.all_minus_none = found[0];
  for (size_t g = 0; g < sweep.gates.size(); ++g) {
    SweptGate& gate = sweep.gates[g];
    gate.refined = scores.refined[g];
    gate.nan_scores = scores.nan_scores[g];
    gate.score = estimate_of(scores.gated[g]);
    gates[g].write(found, sweep.controls.size(), gate);
  }
}

}  // namespace

Sweep sweep_gates(const ScoredArtifact& artifact, const Corpus& corpus, const SweepOptions& options,
                  const ScoringOptions& scoring, Communicator& comm) {
  require_tokenizer(artifact.artifact, corpus);
  require(corpus.documents(Split::kTest).size() >= 2, ExitCode::kBadInput,
          "the test split holds fewer than two documents; an error needs two");
  together(comm, [&] { corpus.check_shards(Split::kTest, comm.rank(), comm.size()); });
  at::set_num_threads(static_cast<int>(options.threads));
  const at::Device device = tensor_device(start_device(scoring.device, comm));
  const UnitOptions windows = unit_options(scoring, model_options(artifact.artifact));
  Sweep sweep;
  sweep.rule = rule_of(options.key_rule, artifact.artifact.gate.keys);
  sweep.gates = choose_gates(artifact, corpus, options, eval_options(options, scoring, windows));
  const Network network = make_network(artifact.artifact, scoring.precision, device);
  sweep.controls = parse_controls(options.controls);
  const SweptNetwork swept{network,
                           stored_head(artifact.artifact, device),
                           {{.rule = sweep.rule}, 1},
                           sweep.controls,
                           static_cast<uint64_t>(options.seed)};
  std::vector<Chooser> choosers;
  for (const SweptGate& gate : sweep.gates)
    choosers.emplace_back(gate.choice.gate, gate.choice.policy,
                          static_cast<uint64_t>(options.seed));
  const SweepScores scores = score_sweep(swept, choosers, corpus, scoring, windows, comm);
  sweep.documents = std::ssize(scores.none);
  sweep.tokens = scores.tokens;
  estimate(scores, {options.draws, static_cast<uint64_t>(options.seed)}, sweep);
  return sweep;
}

}  // namespace reprise
