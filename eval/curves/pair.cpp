#include "eval/curves/pair.h"

#include <array>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "base/error.h"
#include "eval/trace/check_record.h"

namespace reprise {
namespace {

void require_one(const Trace& trace, std::string_view name, std::string_view split) {
  const TraceAttributes& own = trace.attributes;
  require(own.split == split, ExitCode::kInvalidTrace, name, ": of the ", own.split,
          " split, given as curves.", split,
          "; thresholds come from one split, scores from another");
  require(trace.passes == Passes::kRefined, ExitCode::kInvalidTrace, name,
          ": evaluated without a second pass; evaluate an artifact that carries a gate, with "
          "--eval.refine auto");
  require(
      own.refinement_rule == kCoarseRule, ExitCode::kInvalidTrace, name,
      ": refined under the rule '", own.refinement_rule,
      "', by which a prediction depends on which others are refined; run `reprise eval` at each "
      "budget instead");
  require(!trace.tokens.token.empty(), ExitCode::kInvalidTrace, name, ": holds no token");
  require_checks_passed(own.checks, trace.passes, name);
}

}  // namespace

nlohmann::json scoring_of(const Trace& trace, const char* option) {
  const auto& all = trace.attributes.configuration;
  const bool there = all.is_object() && all.contains("eval") && all.at("eval").is_object();
  return there ? all.at("eval").value(option, nlohmann::json()) : nlohmann::json();
}

void require_drawable(const Trace& valid, const Trace& test, std::string_view valid_name,
                      std::string_view test_name) {
  require_one(valid, valid_name, "valid");
  require_one(test, test_name, "test");
  const auto both = [&](bool same, std::string_view what) {
    require(same, ExitCode::kInvalidTrace, valid_name, " and ", test_name, " ", what);
  };
  both(valid.attributes.artifact_sha256 == test.attributes.artifact_sha256,
       "are by different artifacts: a threshold from another model; evaluate one artifact on both");
  both(valid.attributes.tokenizer_sha256 == test.attributes.tokenizer_sha256,
       "have different tokenizers; evaluate both on splits of one corpus");
  for (const char* option : kScoringOptions)
    both(scoring_of(valid, option) == scoring_of(test, option),
         concat("were scored with different eval.", option, "; evaluate both with one"));
  const std::unordered_set<std::string_view> seen(valid.documents.hash.begin(),
                                                  valid.documents.hash.end());
  for (const auto& hash : test.documents.hash)
    require(!seen.contains(hash), ExitCode::kInvalidTrace, valid_name, " and ", test_name,
            " share the document ", hash, "; what is scored may fit no threshold");
}

}  // namespace reprise
