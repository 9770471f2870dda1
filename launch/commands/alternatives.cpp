// reprise alternatives: whether what a second look gains is calibration, a readout, an ensemble, or
// better had by looking in parallel.
#include "eval/alternatives/alternatives.h"

#include <iostream>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/file_lock.h"
#include "base/version.h"
#include "eval/alternatives/record.h"
#include "launch/command.h"

namespace reprise {
namespace {

using nlohmann::json;

json artifact_json(const ScoredArtifact& artifact, const std::string& path) {
  return {{"path", path}, {"sha256", artifact.sha256}, {"bytes", artifact.size.value}};
}

void require_places(const AlternativesOptions& options) {
  if (options.out.empty()) return;
  std::vector<std::filesystem::path> inputs{options.artifact, options.corpus};
  if (!options.second.empty()) inputs.emplace_back(options.second);
  require_place_for(options.out, "--alternatives.out", OutputKind::kFile, inputs);
}

}  // namespace

ExitCode run_alternatives(std::span<const std::string> words, Communicator& comm) {
  AlternativesOptions options;
  ScoringOptions scoring;
  OptionSet set("alternatives",
                "what an artifact's second look gains, beside calibration, fitted readouts, "
                "ensembles and parallel trajectories; fitted on valid, scored on test");
  set.add("alternatives", options).add("eval", scoring);
  if (!set.parse(words)) return ExitCode::kOk;
  require_agreement(comm, "the configuration", set.digest());
  validate(options);
  validate(scoring);
  require_places(options);

  const ScoredArtifact artifact = open_artifact(options.artifact);
  std::optional<ScoredArtifact> second;
  if (!options.second.empty()) second = open_artifact(options.second);
  const Corpus corpus(options.corpus);
  Alternatives alternatives =
      weigh_alternatives(artifact, second ? &*second : nullptr, corpus, options, scoring, comm);
  if (comm.rank() != 0) return ExitCode::kOk;
  compare_alternatives(alternatives, options);
  if (!options.out.empty()) {
    json record = alternatives_record(alternatives);
    record["artifact"] = artifact_json(artifact, options.artifact);
    record["second"] = second ? artifact_json(*second, options.second) : json(nullptr);
    record["configuration"] = set.resolved();
    record["configuration_digest"] = set.digest();
    record["version"] = version();
    const FileLock lock = lock_output(options.out);
    write_file(options.out, record.dump(1) + "\n");
  }
  std::cout << alternatives_table(alternatives);
  return ExitCode::kOk;
}

}  // namespace reprise
