// The root attributes of a trace: what was evaluated, how, by what, and what the checks said.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/hdf5/file.h"
#include "eval/trace/schema.h"

namespace reprise {

struct TraceAttributes {
  int64_t schema = kTraceSchema;
  std::string artifact_sha256;       ///< of the artifact file, in hex
  int64_t artifact_bytes = 0;        ///< its length: what equal-bytes comparisons compare
  std::string tokenizer_sha256;      ///< of the tokenizer model, in hex
  std::string corpus_digest, split;  ///< digest of the split's document hashes; "test"
  std::vector<std::string> domains;  ///< names the column /documents/domain indexes
  int64_t early_tokens = 0;          ///< Slice::kEarly: positions up to this one
  double rare_share = 0;  ///< Slice::kRare: share of the train split's tokens in the rarest types
  int64_t ranks = 1, threads = 1;  ///< of the run that closed the trace; threads per rank
  std::string gate_signal, gate_calibrated_on;
  double gate_threshold = 0,
         gate_fraction = 0;     ///< the artifact's rule and the share it refined where it was set
  std::string refinement_rule;  ///< what refined positions see; empty without a second pass
  nlohmann::json control = nlohmann::json::object();  ///< how it was drawn; empty without a pass
  double refined_fraction = 0,
         random_fraction =
             0;  ///< shares of tokens refined here by the gate and by the control: equal
  nlohmann::json configuration = nlohmann::json::object();  ///< resolved options, model included
  std::string configuration_digest;                         ///< of all that decides the columns
  nlohmann::json checks = nlohmann::json::object();         ///< by name: check_record.h
  nlohmann::json accounting = nlohmann::json::object();     ///< FLOPs and seconds
  nlohmann::json versions =
      nlohmann::json::object();  ///< this program, its build, libraries, format of results

  /// Calls field(name, member) for every attribute, in the order of the file. JSON is stored as its
  /// text.
  template <class Visitor>
  void visit(Visitor&& field) {
    field("schema", schema);
    field("artifact_sha256", artifact_sha256);
    field("artifact_bytes", artifact_bytes);
    field("tokenizer_sha256", tokenizer_sha256);
    field("corpus_digest", corpus_digest);
    field("split", split);
    field("domains", domains);
    field("early_tokens", early_tokens);
    field("rare_share", rare_share);
    field("ranks", ranks);
    field("threads", threads);
    field("gate_signal", gate_signal);
    field("gate_calibrated_on", gate_calibrated_on);
    field("gate_threshold", gate_threshold);
    field("gate_fraction", gate_fraction);
    field("refinement_rule", refinement_rule);
    field("control", control);
    field("refined_fraction", refined_fraction);
    field("random_fraction", random_fraction);
    field("configuration", configuration);
    field("configuration_digest", configuration_digest);
    field("checks", checks);
    field("accounting", accounting);
    field("versions", versions);
  }
};

void write_attributes(hdf5::Node& root, TraceAttributes attributes);
/// Throws kInvalidTrace for a trace of another schema or attributes that cannot be read.
TraceAttributes read_attributes(const hdf5::Node& root);

}  // namespace reprise
