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
        swept.push_back({of.gate, budget, choose_gate(artifact, corpus, of), 0, 0, {}, {}, {}});
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

void estimate(const SweepScores& scores, const BootstrapOptions& bootstrap, Sweep& sweep) {
  std::vector<DocumentScores> contrasts{difference(scores.all, scores.none)};
  for (size_t g = 0; g < sweep.gates.size(); ++g) {
    contrasts.push_back(difference(scores.gated[g], scores.none));
    contrasts.push_back(difference(scores.gated[g], scores.random[g]));
  }
  const auto draws = bootstrap_jointly(contrasts, bootstrap);
  sweep.none = estimate_of(scores.none);
  sweep.all_minus_none = within(contrasts[0], draws[0]);
  for (size_t g = 0; g < sweep.gates.size(); ++g) {
    SweptGate& gate = sweep.gates[g];
    gate.refined = scores.refined[g];
    gate.nan_scores = scores.nan_scores[g];
    gate.score = estimate_of(scores.gated[g]);
    gate.minus_none = within(contrasts[2 * g + 1], draws[2 * g + 1]);
    gate.minus_random = within(contrasts[2 * g + 2], draws[2 * g + 2]);
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
  const SweptNetwork swept{
      network, stored_head(artifact.artifact, device), {{.rule = sweep.rule}, 1}};
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
