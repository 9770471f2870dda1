#include "eval/provenance.h"

#include <ATen/Version.h>
#include <torch/headeronly/version.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/hdf5/handle.h"
#include "base/revision/revision.h"
#include "base/version.h"
#include "eval/gate_choice.h"

namespace reprise {
namespace {

/// The options by which another run would give the same columns: the paths are left out, what they
/// hold is named by digests.
nlohmann::json identity(const TraceAttributes& attributes) {
  nlohmann::json options = attributes.configuration.at("eval");
  for (const char* path : {"artifact", "corpus", "out", "curves"}) options.erase(path);
  return {{"artifact", attributes.artifact_sha256},
          {"tokenizer", attributes.tokenizer_sha256},
          {"corpus", attributes.corpus_digest},
          {"options", options},
          {"gate_thresholds", attributes.configuration.value("gate_thresholds", nlohmann::json())},
          {"gate_policy", attributes.configuration.value("gate_policy", nlohmann::json())},
          {"version", version()},
          {"schema", attributes.schema}};
}

/// What is checked for every document while it is scored: a run that reaches its end has passed.
nlohmann::json document_checks() {
  const nlohmann::json passed = check_record(0.0, 0.0);
  return {{"token_bytes_are_document_bytes", passed}, {"each_token_once", passed}};
}

double share(double part, double whole) { return whole > 0 ? part / whole : 0; }

/// The key rule's name, and behind it what else makes a refined position see others.
std::string rule_in_words(const EvalOptions& options) {
  std::string words(enum_name(options.key_rule));
  if (options.coda == CodaRun::kOnce) words += ", coda once";
  if (options.refinements > 1) words += concat(", ", options.refinements, " passes");
  return words;
}

}  // namespace

ScoredArtifact open_artifact(const std::filesystem::path& path) {
  const std::string bytes = read_file(path);
  return {parse_artifact(bytes, path.string()), to_hex(sha256(bytes)), Bytes{std::ssize(bytes)}};
}

TraceAttributes describe(const ScoredArtifact& artifact, const Corpus& corpus,
                         const GateChoice& gate, const EvalOptions& options,
                         const Communicator& comm) {
  TraceAttributes attributes;
  attributes.artifact_sha256 = artifact.sha256;
  attributes.artifact_bytes = artifact.size.value;
  attributes.tokenizer_sha256 = corpus.tokenizer().digest();
  attributes.corpus_digest = corpus.digest(options.split);
  attributes.split = enum_name(options.split);
  attributes.domains = corpus.domains();
  attributes.early_tokens = options.early_tokens;
  attributes.rare_share = options.rare_share;
  attributes.ranks = comm.size();
  attributes.threads = options.threads;
  attributes.gate_signal = gate.signal;
  attributes.gate_calibrated_on = gate.calibrated_on;
  attributes.gate_threshold = gate.thresholds.front();
  attributes.gate_fraction = gate.fraction;
  EvalOptions resolved = options;
  OptionSet set("eval", "");
  set.add("eval", resolved);
  attributes.configuration = set.resolved();
  attributes.configuration["model"] = artifact.artifact.model;
  if (gate.gate) attributes.configuration["gate_may_see"] = gate.may_see;
  if (!options.gate.empty()) {
    attributes.configuration["eval"]["gate"] = gate.signal;
    attributes.configuration["gate_thresholds"] = thresholds_json(gate.thresholds);
    attributes.configuration["gate_policy"] = gate.policy_options;
    attributes.configuration["curves_sha256"] = gate.record_sha256;
    attributes.configuration["curves_test_digest"] = gate.drawn_on;
  }
  attributes.configuration_digest = digest_of(identity(attributes));
  attributes.versions = {{"reprise", version()},
                         {"revision", revision()},
                         {"build", build_summary()},
                         {"libtorch", TORCH_VERSION},
                         {"cpu", at::get_cpu_capability()},
                         {"hdf5", hdf5::library_version()},
                         {"communicator", comm.name()}};
  return attributes;
}

void describe_second_pass(const EvalOptions& options, TraceAttributes& attributes) {
  attributes.refinement_rule = rule_in_words(options);
  attributes.control = {{"draws", "positions of each window, uniformly"},
                        {"count", "the gate's in that window"},
                        {"causal", false},
                        {"seed", options.seed}};
}

TraceAttributes join_attributes(const std::vector<TraceAttributes>& segments,
                                const std::vector<CheckResult>& checks, double writing_s) {
  Accounting spent;
  for (const TraceAttributes& segment : segments) spent += accounting_from(segment.accounting);
  spent.writing_s += writing_s;
  TraceAttributes whole = segments.front();
  whole.refined_fraction = share(spent.gated.tokens, spent.base.tokens);
  whole.random_fraction = share(spent.random.tokens, spent.base.tokens);
  whole.checks = to_json(checks);
  whole.checks.update(document_checks());
  whole.accounting = to_json(spent);
  // C12: seconds of the sparse pass over its share of the dense pass's. A coda that runs once takes
  // as long however few are refined.
  if (whole.configuration.at("eval").value("coda", "again") == enum_name(CodaRun::kAgain))
    whole.accounting["sparse_over_ideal"] =
        share(spent.gated.seconds, share(spent.gated.tokens, spent.all.tokens) * spent.all.seconds);
  whole.accounting["writing_share"] = share(spent.writing_s, total_seconds(spent));
  return whole;
}

}  // namespace reprise
