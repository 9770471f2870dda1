#include "launch/study/graph.h"

#include "base/digest.h"
#include "eval/options.h"
#include "launch/pack_outputs.h"

namespace reprise {
namespace {

/// Of an [eval] section, what the gate is set with: so that it is set on predictions made as those
/// it will decide on.
nlohmann::json scoring_options(const nlohmann::json& eval) {
  nlohmann::json shared = nlohmann::json::object();
  ScoringOptions().visit([&](const std::string& key, auto&&...) {
    if (eval.contains(key)) shared[key] = eval.at(key);
  });
  return shared;
}

/// An arm trained with one seed: its nodes.
struct Trained {
  std::string arm, seed;
  size_t train = 0, pack = 0, eval = 0;
  std::string name() const { return concat(arm, ".", seed); }
};

constexpr const char* kCorpus = "corpus";
constexpr const char* kModel = "model";
constexpr const char* kArtifact = "artifact.reprise";
constexpr const char* kTrace = "trace";

class Builder {
 public:
  explicit Builder(const Study& study) : study_(study) {}

  Graph build(const std::string& source_digest) {
    const size_t data = add_data(source_digest);
    std::vector<Trained> models;
    for (const auto& arm : study_.arms)
      for (const auto& seed : study_.options.seeds)
        models.push_back(add_model(arm, seed, data, models));
    const size_t verdict = add_verdict(models);
    add_report(models, data, verdict);
    return std::move(graph_);
  }

 private:
  /// On one rank that has all the threads, or on all ranks.
  Node lone_node(std::string name, std::string command) const {
    const auto& options = study_.options;
    return {.name = std::move(name),
            .command = std::move(command),
            .threads = options.ranks * options.threads};
  }
  Node parallel_node(std::string name, std::string command) const {
    Node node = lone_node(std::move(name), std::move(command));
    node.ranks = study_.options.ranks;
    node.threads = study_.options.threads;
    return node;
  }

  size_t add_data(const std::string& source_digest) {
    Node node = lone_node("data", "data");
    node.content = source_digest;
    node.options = {{"data", study_.shared.at("data")}};
    node.places = {"data.source", "data.tokenizer"};
    node.outputs = {{"data.out", kCorpus}};
    node.continues = true;  // it looks itself whether what is there is whole
    return graph_.add(std::move(node));
  }

  /// `earlier` holds the arm whose weights this one starts from, if it starts from any.
  Trained add_model(const Arm& arm, const std::string& seed, size_t data,
                    const std::vector<Trained>& earlier) {
    Trained trained{.arm = arm.name, .seed = seed};

    Node train = parallel_node(concat("train.", trained.name()), "train");
    train.options = {{"model", arm.options.at("model")}, {"train", arm.options.at("train")}};
    train.options["train"]["seed"] = std::stoll(seed);
    train.inputs = {{"train.corpus", data, kCorpus, ""}};
    const std::string start = train.options["train"].value("start-from", "");
    for (const auto& other : earlier)
      if (other.arm == start && other.seed == seed)
        train.inputs.push_back({"train.start-from", other.train, kModel, ""});
    train.outputs = {{"train.out", kModel}};
    train.continues = true;
    trained.train = graph_.add(std::move(train));

    Node pack = parallel_node(concat("pack.", trained.name()), "pack");
    pack.options = {{"pack", arm.options.at("pack")},
                    {"use", arm.options.at("use")},
                    {"eval", scoring_options(arm.options.at("eval"))}};
    if (const std::string code = arm.options.at("pack").value("code", ""); !code.empty()) {
      pack.content = to_hex(sha256_file(code));
      pack.places = {"pack.code"};
    }
    pack.inputs = {{"pack.model", trained.train, kModel, ""}, {"pack.corpus", data, kCorpus, ""}};
    pack.outputs = {{"pack.out", kArtifact},
                    {"", concat(kArtifact, kPackSummarySuffix)},
                    {"", concat(kArtifact, kPackLedgerSuffix)}};
    trained.pack = graph_.add(std::move(pack));

    Node eval = parallel_node(concat("eval.", trained.name()), "eval");
    eval.options = {{"eval", arm.options.at("eval")}};
    eval.inputs = {{"eval.artifact", trained.pack, kArtifact, ""},
                   {"eval.corpus", data, kCorpus, ""}};
    eval.outputs = {{"eval.out", kTrace}};
    eval.continues = true;
    trained.eval = graph_.add(std::move(eval));
    return trained;
  }

  size_t add_verdict(const std::vector<Trained>& models) {
    Node node = lone_node("verdict", "verdict");
    node.content = study_.file_digest;
    node.options = {{"verdict", study_.shared.at("verdict")}};
    node.places = {"verdict.study"};
    const char* sides[] = {"verdict.recurrent", "verdict.static"};
    for (size_t side = 0; side < 2; ++side)
      for (const auto& trained : models)
        if (trained.arm == study_.options.contrast[side])
          node.inputs.push_back({sides[side], trained.eval, concat(kTrace, "/trace.h5"), ""});
    node.outputs = {{"verdict.out", "verdict.json"}, {"", kStandardOutput}};
    return graph_.add(std::move(node));
  }

  void add_report(const std::vector<Trained>& models, size_t data, size_t verdict) {
    Node node = lone_node("report", "report");
    node.options = {{"report", study_.shared.at("report")}};
    node.inputs = {{"report.verdict", verdict, "verdict.json", ""},
                   {"report.tokenizer", data, concat(kCorpus, "/tokenizer.model"), ""}};
    for (const auto& trained : models) {
      node.inputs.push_back(
          {"report.metrics", trained.train, concat(kModel, "/metrics.jsonl"), trained.name()});
      node.inputs.push_back(
          {"report.ledgers", trained.pack, concat(kArtifact, kPackLedgerSuffix), trained.name()});
    }
    node.outputs = {{"report.out", "report.html"}};
    graph_.add(std::move(node));
  }

  const Study& study_;
  Graph graph_;
};

}  // namespace

Graph build_graph(const Study& study, const std::string& source_digest) {
  return Builder(study).build(source_digest);
}

}  // namespace reprise
