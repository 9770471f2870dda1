// reprise verdict: the claims, from the traces of two arms.
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/file_lock.h"
#include "base/version.h"
#include "eval/verdict/assessment.h"
#include "eval/verdict/preregistration.h"
#include "eval/verdict/record.h"
#include "eval/verdict/words.h"
#include "launch/command.h"

namespace reprise {
namespace {

std::vector<Evidence> load_arm(const std::vector<std::string>& paths) {
  std::vector<Evidence> traces;
  for (const auto& path : paths) traces.push_back(load_evidence(path));
  return traces;
}

std::vector<std::filesystem::path> inputs_of(const VerdictOptions& options) {
  std::vector<std::filesystem::path> inputs(options.recurrent.begin(), options.recurrent.end());
  inputs.insert(inputs.end(), options.static_arm.begin(), options.static_arm.end());
  if (!options.study.empty()) inputs.emplace_back(options.study);
  return inputs;
}

void print_words(const Assessment& assessment, const VerdictOptions& options,
                 const std::string& study_digest) {
  for (const bool primary : {true, false})
    for (const auto& claim : assessment.claims)
      if ((claim.id == options.primary) == primary) std::cout << claim_words(claim, options);
  if (!study_digest.empty())
    std::cout << "Declared before the run in " << options.study << " (SHA-256 " << study_digest
              << ").\n";
}

bool decided(const Assessment& assessment, ClaimId primary) {
  for (const auto& claim : assessment.claims)
    if (claim.id == primary) return claim.primary.decision.verdict != Verdict::kInconclusive;
  return false;
}

}  // namespace

ExitCode run_verdict(std::span<const std::string> words, Communicator& comm) {
  VerdictOptions options;
  OptionSet set("verdict", "decide the claims from the traces of two arms");
  set.add("verdict", options);
  if (!set.parse(words)) return ExitCode::kOk;
  require_agreement(comm, "the configuration", set.digest());
  if (comm.rank() != 0) return ExitCode::kOk;

  std::string study_digest;
  if (!options.study.empty()) {
    const Preregistration declared = read_preregistration(options.study);
    const std::string study = options.study;
    options = declared.options;
    set.parse(words);  // again, over what was declared: what is not given stays so
    require_as_declared(options, declared, study);
    study_digest = declared.digest;
  }
  if (!options.out.empty())
    require_place_for(options.out, "--verdict.out", OutputKind::kFile, inputs_of(options));
  const Arms arms{load_arm(options.recurrent), load_arm(options.static_arm)};
  const Assessment assessment = assess(arms, options);

  if (!options.out.empty()) {
    auto record = verdict_record(assessment, arms, options);
    record["study"] = {{"path", options.study}, {"sha256", study_digest}};
    record["configuration"] = set.resolved();
    record["configuration_digest"] = set.digest();
    record["version"] = version();
    const FileLock lock = lock_output(options.out);
    write_file(options.out, record.dump(1) + "\n");
  }
  print_words(assessment, options, study_digest);
  return options.require_decision && !decided(assessment, options.primary) ? ExitCode::kInconclusive
                                                                           : ExitCode::kOk;
}

}  // namespace reprise
