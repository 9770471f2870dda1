// reprise curves: what every gate gives at every budget, from two traces of one artifact.
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/file_lock.h"
#include "base/version.h"
#include "eval/curves/curve.h"
#include "eval/curves/options.h"
#include "eval/curves/pair.h"
#include "eval/curves/record.h"
#include "eval/curves/table.h"
#include "launch/command.h"

namespace reprise {
namespace {

using nlohmann::json;

/// The two splits, with what was told of them before their columns were let go.
struct Splits {
  ScoredSplit valid, test;
  json traces;
};

/// What a threshold holds for, beside the artifact.
json scoring_json(const Trace& trace) {
  json scoring;
  for (const char* option : kScoringOptions) scoring[option] = scoring_of(trace, option);
  return scoring;
}

json trace_json(const Trace& trace, const std::string& path) {
  const TraceAttributes& own = trace.attributes;
  return {{"path", path},
          {"artifact_sha256", own.artifact_sha256},
          {"artifact_bytes", own.artifact_bytes},
          {"corpus_digest", own.corpus_digest},
          {"split", own.split},
          {"scoring", scoring_json(trace)},
          {"configuration_digest", own.configuration_digest},
          {"documents", trace.documents.hash.size()},
          {"tokens", trace.tokens.token.size()}};
}

Splits read_splits(const CurvesOptions& options) {
  Trace valid = read_trace(options.valid), test = read_trace(options.test);
  require_drawable(valid, test, options.valid, options.test);
  json traces{{"valid", trace_json(valid, options.valid)},
              {"test", trace_json(test, options.test)}};
  return {take_split(std::move(valid)), take_split(std::move(test)), std::move(traces)};
}

void write_record(const Curves& curves, const Splits& splits, const PolicyOptions& policy,
                  const OptionSet& set, const std::string& out) {
  json record = curves_record(curves);
  record["policy_may_see"] = make_policy(policy, 0)->may_see();
  record["traces"] = splits.traces;
  record["configuration"] = set.resolved();
  record["configuration_digest"] = set.digest();
  record["version"] = version();
  const FileLock lock = lock_output(out);
  write_file(out, record.dump(1) + "\n");
}

}  // namespace

ExitCode run_curves(std::span<const std::string> words, Communicator& comm) {
  CurvesOptions options;
  PolicyOptions policy;
  OptionSet set("curves", "draw what every gate gives at every budget, from two traces");
  set.add("curves", options).add("policy", policy);
  if (!set.parse(words)) return ExitCode::kOk;
  require_agreement(comm, "the configuration", set.digest());
  if (comm.rank() != 0) return ExitCode::kOk;
  validate(options);
  require_causal(*make_policy(policy, 0));
  if (!options.out.empty())
    require_place_for(options.out, "--curves.out", OutputKind::kFile,
                      std::array<std::filesystem::path, 2>{options.valid, options.test});

  Splits splits = read_splits(options);
  const ReadStatistics reads = count_reads(splits.valid);
  add_static_signals(reads, splits.valid);
  add_static_signals(reads, splits.test);
  const BootstrapOptions bootstrap{options.draws, static_cast<uint64_t>(options.seed)};
  const Curves curves =
      draw_curves(splits.valid, splits.test, reads,
                  {parse_gates(options.gates), parse_budgets(options.budgets), policy, bootstrap});
  if (!options.out.empty()) write_record(curves, splits, policy, set, options.out);
  std::cout << curves_table(curves);
  return ExitCode::kOk;
}

}  // namespace reprise
