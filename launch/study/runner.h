// Runs what of a study is missing, here: one node after the other, each under mpirun.
//
// A node that was interrupted is started again with the same configuration and continues from what
// it left. A signal to the runner ends the running node resumably; so does its death.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "launch/study/node.h"

namespace reprise {

struct RunnerOptions {
  std::filesystem::path out;  ///< the study's folder
  /// Words before the command's name, with the number of ranks between the two.
  std::vector<std::string> launcher{"mpirun", "-q", "--bind-to", "none", "--oversubscribe", "-n"};
  std::string program;                          ///< path of `reprise`
  std::chrono::milliseconds log_pause{30'000};  ///< between lines on how far a node is
};

/// What starts a node, ready for a shell: "mpirun -q ... -n 2 reprise train --config
/// .../config.ini".
std::vector<std::string> command_of(const Node& node, const RunnerOptions& options);

/// kOk, or kInconclusive where a node (the verdict) ended so: it counts as done and the nodes
/// behind it run. kResumable after a signal. Throws with a failing node's exit code, its last line
/// and its log; kFailure where another run works in the same folder; kUsage, before anything runs,
/// where a node's configuration cannot be written.
ExitCode run_graph(const Graph& graph, const RunnerOptions& options);

}  // namespace reprise
