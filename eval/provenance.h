// What an evaluation was of, and by what: the attributes every segment and the whole trace carry.
#pragma once

#include "base/comm/communicator.h"
#include "base/units.h"
#include "eval/accounting.h"
#include "eval/checks.h"
#include "eval/options.h"
#include "eval/trace/attributes.h"
#include "models/artifact/artifact.h"

namespace reprise {

/// An artifact as it lies on disk.
struct GateChoice;

struct ScoredArtifact {
  Artifact artifact;
  std::string sha256;  ///< of the file, in hex
  Bytes size;          ///< of the file
};

ScoredArtifact open_artifact(const std::filesystem::path& path);

/// All that is known before scoring. `configuration_digest` covers what decides a column's bits:
/// the artifact, the text, the options, this program's version; not paths, not the number of ranks.
TraceAttributes describe(const ScoredArtifact& artifact, const Corpus& corpus,
                         const GateChoice& gate, const EvalOptions& options,
                         const Communicator& comm);

/// Adds what holds of an evaluation with a second pass: the rule and the control.
void describe_second_pass(const EvalOptions& options, TraceAttributes& attributes);

/// The attributes of the whole: those of its segments, the sum of what they cost, and what the
/// checks said.
TraceAttributes join_attributes(const std::vector<TraceAttributes>& segments,
                                const std::vector<CheckResult>& checks, double writing_s);

}  // namespace reprise
