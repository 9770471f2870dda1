#include "eval/verdict/comparable.h"

#include <algorithm>
#include <array>
#include <map>

#include "base/error.h"

namespace reprise {
namespace {

using nlohmann::json;

constexpr double kEqualBytes = 0.001;
/// Options of `reprise eval` that arms may differ in without a prediction being made otherwise.
constexpr std::array kFreeOptions{"artifact",      "corpus",        "out",    "refine",
                                  "segment-units", "check-windows", "curves", "signals"};
/// Those of a second pass: of no meaning to a trace without one.
constexpr std::array kGateOptions{"gate", "budget", "key-rule", "refinements", "coda"};

/// One section of what a trace stores of its configuration; empty where it is missing.
json stored(const Evidence& trace, const char* section) {
  const json& all = trace.attributes.configuration;
  const bool there = all.is_object() && all.contains(section) && all.at(section).is_object();
  return there ? all.at(section) : json::object();
}

json scoring_of(const Evidence& trace) {
  json options = stored(trace, "eval");
  for (const char* name : kFreeOptions) options.erase(name);
  for (const char* name : kGateOptions) options.erase(name);
  return options;
}

json gate_of(const Evidence& trace) {
  json options = stored(trace, "eval"), gate = json::object();
  for (const char* name : kGateOptions)
    if (options.contains(name)) gate[name] = options.at(name);
  return gate;
}

/// The first name under which two objects hold different values, or one holds none.
std::string first_difference(const json& left, const json& right) {
  for (const auto& [name, value] : left.items())
    if (!right.contains(name) || right.at(name) != value) return name;
  for (const auto& [name, value] : right.items())
    if (!left.contains(name)) return name;
  return "";
}

std::string value_of(const json& options, const std::string& name) {
  return options.contains(name) ? options.at(name).dump() : "not stored";
}

}  // namespace

void require_same_text(const std::vector<Evidence>& traces) {
  const auto same = [&](const Evidence& trace, const auto& first, const auto& own,
                        std::string_view what) {
    require(first == own, ExitCode::kInvalidTrace, trace.path, " and ", traces[0].path,
            " differ in their ", what, "; evaluate both on the same split of the same corpus");
  };
  const TraceAttributes& first = traces.at(0).attributes;
  for (const auto& trace : traces) {
    same(trace, first.tokenizer_sha256, trace.attributes.tokenizer_sha256, "tokenizer");
    same(trace, first.corpus_digest, trace.attributes.corpus_digest, "corpus");
    same(trace, first.split, trace.attributes.split, "split");
    same(trace, first.early_tokens, trace.attributes.early_tokens, "slice early");
    same(trace, first.rare_share, trace.attributes.rare_share, "slice rare");
    same(trace, traces[0].documents, trace.documents, "documents");
    same(trace, traces[0].tokens, trace.tokens, "number of tokens");
  }
}

void require_equal_bytes(const std::vector<Evidence>& traces) {
  const auto bytes = [](const Evidence& trace) { return trace.attributes.artifact_bytes; };
  const auto [least, most] = std::ranges::minmax_element(traces, {}, bytes);
  const int64_t apart = bytes(*most) - bytes(*least);
  require(static_cast<double>(apart) <= kEqualBytes * static_cast<double>(bytes(*most)),
          ExitCode::kInvalidTrace, "the artifacts of ", least->path, " and ", most->path, " have ",
          bytes(*least), " and ", bytes(*most), " bytes, ", apart,
          " apart where 0.1 % is allowed; pack both to the same target");
}

void require_same_scoring(const std::vector<Evidence>& traces) {
  const auto same = [](const Evidence& left, const Evidence& right, const json& of_left,
                       const json& of_right) {
    const std::string name = first_difference(of_left, of_right);
    require(name.empty(), ExitCode::kInvalidTrace, right.path, " and ", left.path,
            " were scored differently: eval.", name, " is ", value_of(of_right, name), " and ",
            value_of(of_left, name), "; evaluate both with the same options");
  };
  const Evidence* gated = nullptr;
  for (const auto& trace : traces) {
    same(traces[0], trace, scoring_of(traces[0]), scoring_of(trace));
    if (trace.attributes.refinement_rule.empty()) continue;
    if (!gated) gated = &trace;
    same(*gated, trace, gate_of(*gated), gate_of(trace));
  }
}

void require_families(const std::vector<Evidence>& arm, ArmKind kind) {
  for (const auto& trace : arm) {
    const json model = stored(trace, "model");
    const auto is_of_arm = [&](const auto& named) {
      return loops(named.first) == (kind == ArmKind::kLooped) &&
             model.value("family", json()) == named.second;
    };
    require(std::ranges::any_of(EnumNames<Family>::names, is_of_arm), ExitCode::kInvalidTrace,
            trace.path, ": of a model of family ", value_of(model, "family"), ", given as verdict.",
            kind == ArmKind::kLooped ? "recurrent" : "static");
  }
}

void require_distinct_artifacts(const std::vector<Evidence>& arm) {
  std::map<std::string, std::string> seen;
  for (const auto& trace : arm) {
    const auto [at, added] = seen.emplace(trace.attributes.artifact_sha256, trace.path);
    require(added, ExitCode::kInvalidTrace, trace.path, " and ", at->second,
            " are of the same artifact; every trace of an arm is another training seed");
  }
}

}  // namespace reprise
