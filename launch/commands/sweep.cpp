// reprise sweep: every gate of a record of curves, run at its budgets under a key rule.
#include "eval/sweep/sweep.h"

#include <iostream>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/file_lock.h"
#include "base/version.h"
#include "launch/command.h"

namespace reprise {

ExitCode run_sweep(std::span<const std::string> words, Communicator& comm) {
  SweepOptions options;
  ScoringOptions scoring;
  OptionSet set("sweep",
                "run every gate of a record of curves at its budgets, in one reading of the test "
                "split, under any key rule");
  set.add("sweep", options).add("eval", scoring);
  if (!set.parse(words)) return ExitCode::kOk;
  require_agreement(comm, "the configuration", set.digest());
  validate(options);
  validate(scoring);
  if (!options.out.empty())
    require_place_for(
        options.out, "--sweep.out", OutputKind::kFile,
        std::array<std::filesystem::path, 3>{options.artifact, options.corpus, options.curves});
  const ScoredArtifact artifact = open_artifact(options.artifact);
  const Sweep sweep = sweep_gates(artifact, Corpus(options.corpus), options, scoring, comm);
  if (comm.rank() != 0) return ExitCode::kOk;
  if (!options.out.empty()) {
    nlohmann::json record = sweep_record(sweep);
    record["artifact"] = {
        {"path", options.artifact}, {"sha256", artifact.sha256}, {"bytes", artifact.size.value}};
    record["curves_sha256"] = sweep.gates.front().choice.record_sha256;
    record["configuration"] = set.resolved();
    record["configuration_digest"] = set.digest();
    record["version"] = version();
    const FileLock lock = lock_output(options.out);
    write_file(options.out, record.dump(1) + "\n");
  }
  std::cout << sweep_table(sweep);
  return ExitCode::kOk;
}

}  // namespace reprise
