#include "eval/gate_choice.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/digest.h"
#include "base/file.h"
#include "eval/gates/policy_options.h"

namespace reprise {
namespace {

using nlohmann::json;

/// Of the gate and of its policy, each once.
std::vector<std::string> may_see(const GateExpression& gate, const RefinementPolicy& policy) {
  std::vector<std::string> inputs = may_see(gate);
  for (std::string& input : policy.may_see()) inputs.push_back(std::move(input));
  return inputs;
}

GateChoice gate_of_artifact(const GateRule& rule, const EvalOptions& options) {
  const bool calibrated = rule.fraction > 0;
  require(options.refine != Refine::kOn || calibrated, ExitCode::kUsage,
          "--eval.refine is on, but the artifact's gate refines nothing; pack it with a gate");
  GateChoice choice;
  choice.signal = rule.signal;
  choice.thresholds = {static_cast<float>(rule.threshold)};
  choice.fraction = rule.fraction;
  choice.calibrated_on = rule.calibrated_on;
  if (options.refine == Refine::kOff || !calibrated) return choice;
  choice.gate = make_gate(rule);
  choice.policy = make_threshold(0);
  choice.may_see = may_see(parse_gate(rule.signal), *choice.policy);
  return choice;
}

float threshold_from(const json& stored) {
  if (stored == "all") return kRefineAll;
  if (stored == "none") return kRefineNone;
  const float threshold = stored.get<float>();
  require(stored.is_number() && std::isfinite(threshold), ExitCode::kBadInput,
          "a threshold is no number: ", stored.dump());
  return threshold;
}

/// The policy that the curves were drawn under, for one of their budgets.
std::shared_ptr<const RefinementPolicy> policy_of(const json& stored, const EvalOptions& options) {
  PolicyOptions policy;
  try {
    OptionSet("curves", "").add("policy", policy).read_json({{"policy", stored}});
    policy.budget = options.budget;
    std::shared_ptr<const RefinementPolicy> made = make_policy(policy, 0);
    require_causal(*made);
    return made;
  } catch (const Error& error) {
    fail(ExitCode::kBadInput, options.curves, ": its policy: ", error.what());
  }
}

void require_same_scoring(const json& valid, const ScoredArtifact& artifact, const Corpus& corpus,
                          const EvalOptions& options) {
  require(valid.at("artifact_sha256") == artifact.sha256, ExitCode::kBadInput, options.curves,
          ": thresholds of another artifact; draw the curves of this one");
  require(valid.at("corpus_digest") == corpus.digest(Split::kValid), ExitCode::kBadInput,
          options.curves, ": thresholds set on another text than the valid split of ",
          options.corpus);
  require(valid.contains("scoring"), ExitCode::kBadInput, options.curves,
          ": does not say how its text was scored; draw the curves again");
  const std::vector<std::pair<const char*, json>> scoring{
      {"window", options.window},
      {"stride", options.stride},
      {"precision", enum_name(options.precision)}};
  for (const auto& [name, value] : scoring)
    require(valid.at("scoring").at(name) == value, ExitCode::kBadInput, options.curves,
            ": thresholds set with eval.", name, " ", valid.at("scoring").at(name).dump(), ", not ",
            value.dump(), "; draw the curves of traces scored so");
}

GateChoice gate_at(const json& point, const GateExpression& gate, const EvalOptions& options) {
  GateChoice choice;
  for (const json& threshold : point.at("thresholds"))
    choice.thresholds.push_back(threshold_from(threshold));
  require(choice.thresholds.size() == gate.terms.size(), ExitCode::kBadInput, options.curves, ": ",
          choice.thresholds.size(), " thresholds for the ", gate.terms.size(),
          " terms of the gate '", to_text(gate), "'; draw the curves again");
  choice.gate = make_gate(gate, choice.thresholds);
  choice.signal = to_text(gate);
  choice.fraction = point.at("valid_share");
  require(0 <= choice.fraction && choice.fraction <= 1, ExitCode::kBadInput, options.curves,
          ": valid_share is no share: ", choice.fraction);
  return choice;
}

GateChoice gate_of_curves(const json& record, const GateExpression& gate,
                          const EvalOptions& options) {
  const std::string text = to_text(gate);
  for (const json& curve : record.at("gates")) {
    if (curve.at("gate") != text) continue;
    for (const json& point : curve.at("points"))
      if (std::abs(point.at("budget").get<double>() - options.budget) <= 1e-12)
        return gate_at(point, gate, options);
    fail(ExitCode::kBadInput, options.curves, ": the gate '", text, "' has no point at budget ",
         options.budget, "; draw it with --curves.budgets");
  }
  fail(ExitCode::kBadInput, options.curves, ": holds no curve of the gate '", text,
       "'; draw it with --curves.gates");
}

}  // namespace

nlohmann::json thresholds_json(const std::vector<float>& thresholds) {
  json stored = json::array();
  for (const float threshold : thresholds) {
    if (threshold == kRefineAll)
      stored.push_back("all");
    else if (threshold == kRefineNone)
      stored.push_back("none");
    else
      stored.push_back(threshold);
  }
  return stored;
}

GateChoice choose_gate(const ScoredArtifact& artifact, const Corpus& corpus,
                       const EvalOptions& options) {
  if (options.gate.empty()) return gate_of_artifact(artifact.artifact.gate, options);
  const GateExpression gate = parse_gate(options.gate);
  const std::string text = read_file(options.curves);
  try {
    const json record = json::parse(text);
    const json& traces = record.at("traces");
    require_same_scoring(traces.at("valid"), artifact, corpus, options);
    GateChoice choice = gate_of_curves(record, gate, options);
    choice.policy_options = record.at("configuration").value("policy", json::object());
    choice.policy = policy_of(choice.policy_options, options);
    choice.may_see = may_see(gate, *choice.policy);
    choice.calibrated_on = traces.at("valid").at("corpus_digest");
    choice.drawn_on = traces.at("test").at("corpus_digest");
    choice.record_sha256 = to_hex(sha256(text));
    return choice;
  } catch (const json::exception&) {
    fail(ExitCode::kBadInput, options.curves,
         ": not a record of `reprise curves`, or a damaged one; draw the curves again");
  }
}

}  // namespace reprise
