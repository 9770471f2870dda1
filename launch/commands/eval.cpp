// reprise eval: artifact and corpus -> a trace of every token, and what it comes to.
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "eval/evaluate.h"
#include "launch/command.h"

namespace reprise {
namespace {

void require_paths(const EvalOptions& options) {
  for (const auto& [name, path] : {std::pair{"artifact", &options.artifact},
                                   {"corpus", &options.corpus},
                                   {"out", &options.out}})
    require(!path->empty(), ExitCode::kUsage, "--eval.", name,
            " is missing; see reprise eval --help");
}

/// One line a policy: what people came for.
void print_scores(const std::filesystem::path& folder) {
  const auto results = nlohmann::json::parse(read_file(folder / "results.json"));
  for (const auto& [task, scores] : results["results"].items())
    for (const std::string policy : {"none", "gated", "random", "all"})
      if (scores.contains("bits_per_byte," + policy))
        std::cout << task << ' ' << policy << ' ' << scores["bits_per_byte," + policy] << " ± "
                  << scores["bits_per_byte_stderr," + policy] << " bits per byte\n";
  std::cout << "trace: " << (folder / "trace.h5").string() << std::endl;
}

}  // namespace

ExitCode run_eval(std::span<const std::string> words, Communicator& comm) {
  EvalOptions options;
  OptionSet set(
      "eval",
      "scores every token of a split with an artifact: base passes, gated second pass, controls");
  set.add("eval", options);
  if (!set.parse(words)) return ExitCode::kOk;
  require_agreement(comm, "the configuration", set.digest());
  require_paths(options);
  const std::vector<std::filesystem::path> inputs{options.artifact, options.corpus};
  require_place_for(options.out, "--eval.out", OutputKind::kFolder, inputs);
  validate(options);

  const StopRequest stop;
  const ScoredArtifact artifact = open_artifact(options.artifact);
  const Corpus corpus(options.corpus);
  if (evaluate(artifact, corpus, options, comm, stop) == Outcome::kStopped)
    return ExitCode::kResumable;
  if (comm.rank() == 0) print_scores(options.out);
  return ExitCode::kOk;
}

}  // namespace reprise
