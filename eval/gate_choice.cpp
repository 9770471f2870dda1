#include "eval/gate_choice.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/file.h"

namespace reprise {
namespace {

using nlohmann::json;

GateChoice gate_of_artifact(const GateRule& rule, const EvalOptions& options) {
  const bool calibrated = rule.fraction > 0;
  require(options.refine != Refine::kOn || calibrated, ExitCode::kUsage,
          "--eval.refine is on, but the artifact's gate refines nothing; pack it with a gate");
  GateChoice choice{nullptr,
                    rule.signal,
                    {static_cast<float>(rule.threshold)},
                    rule.fraction,
                    rule.calibrated_on};
  if (options.refine != Refine::kOff && calibrated) choice.gate = make_gate(rule);
  return choice;
}

/// As record.cpp of the curves writes one.
float threshold_from(const json& stored) {
  if (stored == "all") return kRefineAll;
  return stored == "none" ? kRefineNone : stored.get<float>();
}

void require_same_scoring(const json& valid, const ScoredArtifact& artifact, const Corpus& corpus,
                          const EvalOptions& options) {
  require(valid.at("artifact_sha256") == artifact.sha256, ExitCode::kBadInput, options.curves,
          ": thresholds of another artifact; draw the curves of this one");
  require(valid.at("corpus_digest") == corpus.digest(Split::kValid), ExitCode::kBadInput,
          options.curves, ": thresholds set on another text than the valid split of ",
          options.corpus);
  const json scoring{{"window", options.window},
                     {"stride", options.stride},
                     {"precision", enum_name(options.precision)}};
  for (const auto& [name, value] : scoring.items())
    require(valid.at("scoring").at(name) == value, ExitCode::kBadInput, options.curves,
            ": thresholds set with eval.", name, " ", valid.at("scoring").at(name).dump(), ", not ",
            value.dump());
}

GateChoice gate_of_curves(const json& record, const GateExpression& gate,
                          const EvalOptions& options) {
  const std::string text = to_text(gate);
  for (const json& curve : record.at("gates")) {
    if (curve.at("gate") != text) continue;
    for (const json& point : curve.at("points")) {
      if (std::abs(point.at("budget").get<double>() - options.budget) > 1e-12) continue;
      GateChoice choice;
      for (const json& threshold : point.at("thresholds"))
        choice.thresholds.push_back(threshold_from(threshold));
      choice.gate = make_gate(gate, choice.thresholds);
      choice.signal = text;
      choice.fraction = point.at("valid_share");
      choice.calibrated_on = record.at("traces").at("valid").at("corpus_digest");
      return choice;
    }
    fail(ExitCode::kBadInput, options.curves, ": the gate '", text, "' has no point at budget ",
         options.budget, "; draw it with --curves.budgets");
  }
  fail(ExitCode::kBadInput, options.curves, ": holds no curve of the gate '", text,
       "'; draw it with --curves.gates");
}

}  // namespace

GateChoice choose_gate(const ScoredArtifact& artifact, const Corpus& corpus,
                       const EvalOptions& options) {
  if (options.gate.empty()) return gate_of_artifact(artifact.artifact.gate, options);
  const GateExpression gate = parse_gate(options.gate);
  const std::string text = read_file(options.curves);
  try {
    const json record = json::parse(text);
    require_same_scoring(record.at("traces").at("valid"), artifact, corpus, options);
    return gate_of_curves(record, gate, options);
  } catch (const json::exception& error) {
    fail(ExitCode::kBadInput, options.curves, ": not a record of `reprise curves`: ", error.what());
  }
}

}  // namespace reprise
