// reprise study: a study file -> the graph of its runs; what is there, what is missing; the
// verdict.
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/file.h"
#include "launch/action.h"
#include "launch/command.h"
#include "launch/study/graph.h"
#include "launch/study/overview.h"
#include "launch/study/sources.h"

namespace reprise {
namespace {

enum class Action { kPlan, kRun, kStatus };

/// In the order of Action.
const std::vector<std::string> kActions{"plan", "run", "status"};

bool take_flag(std::vector<std::string>& words, std::string_view flag) {
  return std::erase(words, flag) > 0;
}

std::filesystem::path own_path() { return std::filesystem::read_symlink("/proc/self/exe"); }

void show(const nlohmann::json& overview, Action action, bool as_json) {
  if (as_json)
    std::cout << overview.dump(1) << std::endl;
  else
    std::cout << (action == Action::kPlan ? plan_text(overview) : status_text(overview));
}

/// What `verdict` said, and where the page is.
void show_outcome(const std::filesystem::path& out) {
  std::cout << read_file(out / "verdict" / kStandardOutput)
            << "\nReport: " << (out / "report" / "report.html").string() << std::endl;
}

}  // namespace

ExitCode run_study(std::span<const std::string> words, Communicator& comm) {
  require(comm.size() == 1, ExitCode::kUsage,
          "a study starts mpirun itself; run it as one process and set --study.ranks");
  std::vector<std::string> rest(words.begin(), words.end());
  const bool asks_for_help = std::ranges::count(rest, "--help") > 0;
  const Action action =
      asks_for_help ? Action::kPlan : static_cast<Action>(take_action(rest, kActions));
  if (asks_for_help) rest = {"--help"};
  const bool as_json = take_flag(rest, "--json");
  require(!as_json || action != Action::kRun, ExitCode::kUsage,
          "--json is for plan and status; run prints what the verdict says");

  const auto study = read_study(rest);
  if (!study) return ExitCode::kOk;
  const auto source = study->shared.at("data").at("source").get<std::vector<std::string>>();
  RunnerOptions runner;
  runner.out = study->options.out;
  const SourceDigest text =
      digest_of_sources(source, study->shared.at("data").at("tokenizer").get<std::string>(),
                        read_known_files(runner.out));
  const Graph graph = build_graph(*study, text.digest);
  runner.program = own_path();

  if (action != Action::kRun) {
    show(overview(*study, graph, runner), action, as_json);
    return ExitCode::kOk;
  }
  write_known_files(runner.out, text.files);
  const ExitCode code = run_graph(graph, runner);
  if (code != ExitCode::kResumable) show_outcome(runner.out);
  return code;
}

}  // namespace reprise
