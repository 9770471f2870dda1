#include "eval/results.h"

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "eval/stats/score.h"

namespace reprise {
namespace {

struct Policy {
  const char* filter;
  std::vector<double> DocumentColumns::*nats;
  Passes least;
};
constexpr Policy kPolicies[] = {{"none", &DocumentColumns::nats_base, Passes::kBaseOnly},
                                {"gated", &DocumentColumns::nats_gated, Passes::kRefined},
                                {"random", &DocumentColumns::nats_random, Passes::kRefined},
                                {"all", &DocumentColumns::nats_all, Passes::kRefined}};

/// The documents a task is about: all, or those of one domain.
struct Task {
  std::string name;
  std::vector<size_t> documents;
};

std::vector<Task> tasks_of(const TraceAttributes& attributes, const DocumentColumns& documents) {
  std::vector<Task> tasks = {{attributes.split, {}}};
  for (const std::string& domain : attributes.domains)
    tasks.push_back({concat(attributes.split, '/', domain), {}});
  for (size_t d = 0; d < documents.tokens.size(); ++d) {
    tasks[0].documents.push_back(d);
    tasks[1 + size_t{documents.domain[d]}].documents.push_back(d);
  }
  std::erase_if(tasks, [](const Task& task) { return task.documents.empty(); });
  return tasks;
}

nlohmann::json scores_of(const Task& task, Passes passes, const DocumentColumns& documents) {
  nlohmann::json json = {{"alias", task.name}};
  for (const Policy& policy : kPolicies) {
    if (policy.least == Passes::kRefined && passes == Passes::kBaseOnly) continue;
    DocumentScores scores;
    double nats = 0, tokens = 0;
    for (const size_t d : task.documents) {
      nats += (documents.*policy.nats)[d];
      tokens += documents.tokens[d];
      scores.push_back(
          {Nats{(documents.*policy.nats)[d]}, Bytes{static_cast<int64_t>(documents.bytes[d])}});
    }
    const std::string filter = concat(',', policy.filter);
    json["bits_per_byte" + filter] = bits_per_byte(scores);
    json["bits_per_byte_stderr" + filter] =
        scores.size() < 2 ? nlohmann::json("N/A") : nlohmann::json(delta_standard_error(scores));
    json["nats_per_token" + filter] = nats / tokens;
  }
  return json;
}

}  // namespace

nlohmann::json summarise(const TraceAttributes& attributes, Passes passes,
                         const DocumentColumns& documents) {
  nlohmann::json results, configs, versions, samples, higher, shots;
  for (const Task& task : tasks_of(attributes, documents)) {
    results[task.name] = scores_of(task, passes, documents);
    configs[task.name] = {
        {"task", task.name}, {"output_type", "loglikelihood_rolling"}, {"num_fewshot", 0}};
    versions[task.name] = attributes.schema;
    shots[task.name] = 0;
    higher[task.name] = {{"bits_per_byte", false}, {"nats_per_token", false}};
    samples[task.name] = {{"original", task.documents.size()},
                          {"effective", task.documents.size()}};
  }
  return {{"results", results},
          {"configs", configs},
          {"versions", versions},
          {"n-shot", shots},
          {"higher_is_better", higher},
          {"n-samples", samples},
          {"config",
           {{"model", "reprise"},
            {"artifact_sha256", attributes.artifact_sha256},
            {"artifact_bytes", attributes.artifact_bytes},
            {"corpus_digest", attributes.corpus_digest},
            {"resolved", attributes.configuration},
            {"digest", attributes.configuration_digest}}},
          {"refined_fraction",
           {{"gated", attributes.refined_fraction}, {"random", attributes.random_fraction}}},
          {"checks", attributes.checks},
          {"accounting", attributes.accounting},
          {"git_hash", attributes.versions.value("revision", "unknown")},
          {"software", attributes.versions}};
}

void write_results(const std::filesystem::path& trace) {
  const TraceReader reader(trace);
  const nlohmann::json results =
      summarise(reader.attributes(), reader.passes(), reader.documents());
  write_file(trace.parent_path() / "results.json", results.dump(2) + '\n');
}

}  // namespace reprise
