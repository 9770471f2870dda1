#include "launch/study/runner.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

#include "base/file.h"
#include "base/file_lock.h"
#include "base/log.h"
#include "base/pace.h"
#include "base/stopwatch.h"
#include "launch/study/process.h"
#include "launch/study/store.h"

namespace reprise {
namespace {

/// Whether a variable tells a process of an MPI job where it belongs; the settings of a user, which
/// have OMPI_MCA_ in front as many of a job's have, are not meant.
bool is_of_a_job(std::string_view variable) {
  const auto starts = [&](const auto& heads) {
    return std::ranges::any_of(heads, [&](const char* head) { return variable.starts_with(head); });
  };
  const std::array settings{"OMPI_ALLOW_RUN_AS_ROOT", "OMPI_MCA_"};
  const std::array of_jobs{"OMPI_MCA_orte_", "OMPI_MCA_ess", "OMPI_MCA_pmix",
                           "OMPI_MCA_initial_wdir", "OMPI_MCA_shmem_RUNTIME"};
  const std::array launchers{"OMPI_", "PMIX_", "ORTE_"};
  return starts(of_jobs) || (starts(launchers) && !starts(settings));
}

/// Ours, without what a launcher around this process says of it, and with what mpirun asks of root.
std::vector<std::string> node_environment(int64_t threads) {
  const bool in_a_job = std::getenv("OMPI_COMM_WORLD_SIZE") != nullptr;
  std::vector<std::string> all;
  for (char** entry = environ; *entry; ++entry) {
    const std::string_view text = *entry;
    const bool set_here = text.starts_with("OMP_NUM_THREADS=");
    if (!set_here && !(in_a_job && is_of_a_job(text))) all.emplace_back(text);
  }
  all.push_back(concat("OMP_NUM_THREADS=", threads));
  if (geteuid() == 0) {
    all.emplace_back("OMPI_ALLOW_RUN_AS_ROOT=1");
    all.emplace_back("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1");
  }
  return all;
}

/// Shows how far a node is by the last line of its log, without that line's own time: redrawn on a
/// terminal, now and then in a log.
class Follower {
 public:
  Follower(std::filesystem::path log, std::chrono::milliseconds pause)
      : log_(std::move(log)), pace_(terminal_ ? std::chrono::milliseconds(0) : pause) {}
  ~Follower() { clear(); }

  void look() {
    if (!pace_.due()) return;
    const std::string line = log::message_of(last_line(log_));
    if (line.empty()) return;
    if (!terminal_) return log::info("    ", line);
    std::fprintf(stderr, "\r\x1b[K    %.100s", line.c_str());
    std::fflush(stderr);
    drawn_ = true;
  }

  void clear() {
    if (drawn_) std::fputs("\r\x1b[K", stderr);
    drawn_ = false;
  }

 private:
  std::filesystem::path log_;
  bool terminal_ = isatty(STDERR_FILENO) != 0;
  bool drawn_ = false;
  Pace pace_;
};

constexpr std::chrono::seconds kPatience{15};  // for the command of a study that was just killed

bool finished(ExitCode code) { return code == ExitCode::kOk || code == ExitCode::kInconclusive; }

/// What a code says that no command of ours gives: a shell's for what it cannot start, and for what
/// a signal ended. The log may hold nothing on it.
std::string meaning_of(int code, const RunnerOptions& options) {
  if (code == 127) return concat(" (cannot start ", options.launcher.front(), ")");
  return code > 128 ? concat(" (killed by signal ", code - 128, ")") : "";
}

/// Codes a shell or mpirun made up count as faults.
ExitCode known_code(int code) {
  const auto known = {ExitCode::kOk,           ExitCode::kUsage,
                      ExitCode::kBadInput,     ExitCode::kCapUnreachable,
                      ExitCode::kInvalidTrace, ExitCode::kInconclusive,
                      ExitCode::kResumable};
  const auto found = std::ranges::find(known, static_cast<ExitCode>(code));
  return found == known.end() ? ExitCode::kFailure : *found;
}

/// Runs one node to its end; kResumable where a signal stopped it.
ExitCode run_node(const Graph& graph, const Node& node, const RunnerOptions& options,
                  const HeldSignals& signals) {
  open_node(graph, node, options.out);
  const auto folder = options.out / node.folder();
  const auto log = folder / "log";
  Follower follower(log, options.log_pause);
  const Stopwatch watch;
  const ProcessEnd end = run_process(
      {command_of(node, options), node_environment(node.threads), folder / kStandardOutput, log},
      signals, [&] { follower.look(); });
  follower.clear();

  const ExitCode code = known_code(end.code);
  if (finished(code)) {
    record_done(node, options.out, {code, watch.seconds()});
  } else if (!end.interrupted && code != ExitCode::kResumable) {
    const std::string said = last_line(log);
    fail(code, node.name, " ended with exit code ", end.code, meaning_of(end.code, options),
         said.empty() ? "" : ": ", said, " (", log.string(), ")");
  }
  return end.interrupted && !finished(code) ? ExitCode::kResumable : code;
}

}  // namespace

std::vector<std::string> command_of(const Node& node, const RunnerOptions& options) {
  std::vector<std::string> words = options.launcher;
  const auto config = options.out / node.folder() / "config.ini";
  for (const std::string& word : {std::to_string(node.ranks), options.program, node.command,
                                  std::string("--config"), config.string()})
    words.push_back(word);
  return words;
}

ExitCode run_graph(const Graph& graph, const RunnerOptions& options) {
  for (const auto& node : graph.nodes) config_text(graph, node, options.out);  // or refuse now
  make_folder(options.out);
  // Inherited by what is started: a killed study's command holds it until it has ended.
  const FileLock lock(options.out / "lock", options.out.string(), kPatience,
                      FileLock::Leave::kFile);
  const HeldSignals signals;
  ExitCode outcome = ExitCode::kOk;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    const std::string place = concat("[", i + 1, "/", graph.nodes.size(), "] ", node.name);
    ExitCode code;
    if (state_of(node, options.out) == NodeState::kDone) {
      log::debug(place, ": done before");
      code = completion_of(node, options.out).code;
    } else {
      log::info(place);
      code = run_node(graph, node, options, signals);
    }
    if (code == ExitCode::kResumable) {
      log::warning("stopped in ", node.name, "; the same command continues");
      return code;
    }
    outcome = std::max(outcome, code);
  }
  return outcome;
}

}  // namespace reprise
