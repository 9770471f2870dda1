// What of a study is on disk.
//
//   <out>/<node>-<key>/config.ini   what the node was last started with
//   <out>/<node>-<key>/output       its stdout, of the last run
//   <out>/<node>-<key>/log          its stderr, all its runs one after the other
//   <out>/<node>-<key>/done.json    written when it had succeeded: key, exit code, seconds, outputs
//   <out>/<node>                    symbolic link to the folder that is current
//   <out>/sources.json              digests of the text's files, so that they are not read each
//   time
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"
#include "launch/study/node.h"

namespace reprise {

enum class NodeState {
  kMissing,  ///< never started
  kPartial,  ///< started and not finished; it continues from what it left
  kDone,
};

/// Done needs the record of this very key and every output it names, as long as it was. A record
/// that is not what record_done() writes is none.
NodeState state_of(const Node& node, const std::filesystem::path& out);

/// Makes the folder, writes config.ini, points <out>/<node> at it. Of a node that does not continue
/// what it left, removes the outputs: a part of them may be of another start.
void open_node(const Graph& graph, const Node& node, const std::filesystem::path& out);

struct Completion {
  ExitCode code = ExitCode::kOk;  ///< kOk or kInconclusive
  double elapsed_s = 0;           ///< of the run that finished it
};

/// Throws kFailure where an output is not there.
void record_done(const Node& node, const std::filesystem::path& out, Completion completion);

/// Of a node that is done.
Completion completion_of(const Node& node, const std::filesystem::path& out);

/// The last line that is not empty, "" where there is none: progress, or the reason of a failure.
std::string last_line(const std::filesystem::path& log);

}  // namespace reprise
