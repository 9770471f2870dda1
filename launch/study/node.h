// One node of a study: a command, what it reads from other nodes, what it leaves, and the key that
// says whether that has been done. Values only; the runner (runner.h) starts processes.
//
// A key is the digest of everything the outputs depend on: the program's version, the command, its
// resolved options, the text it reads and the keys of the nodes it reads. Not of paths, so that the
// study and its text may be moved and named otherwise, and not of the number of ranks: on it depend
// the last bits of a training alone, whose record (train.json) names it. Threads per rank are
// options. Each key has a folder of its own, so a changed option never meets files of another
// configuration.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace reprise {

/// A file or folder another node leaves, given to an option of this one.
struct Input {
  std::string option;  ///< "train.corpus"; several inputs of one option become a list
  size_t node = 0;     ///< index into Graph::nodes, always less than the reader's own
  std::string file;    ///< in that node's folder; "" for the folder itself
  std::string label;   ///< where not empty, the value is label=path
};

/// A file or folder this node leaves.
struct Output {
  std::string option;  ///< "train.out"; "" where no option names it
  std::string file;    ///< in the node's folder
};

/// In every node's folder: what the command printed. An output where somebody reads it.
inline constexpr const char* kStandardOutput = "output";

struct Node {
  std::string name;          ///< "train.recurrent.1": stage, arm, seed
  std::string command;       ///< of the program
  std::string content = {};  ///< digest of the files outside the study that it reads; "" for none
  std::vector<std::string> places = {};  ///< options that name those files: not part of the key
  bool continues = false;                ///< started again, it goes on from what it left
  int64_t ranks = 1, threads = 1;        ///< threads per rank
  nlohmann::json options = {};  ///< {"section": {"key": value}}, but for inputs and outputs
  std::vector<Input> inputs = {};
  std::vector<Output> outputs = {};
  std::string key = {};  ///< 64 hex characters; Graph::add sets it

  /// Where its outputs, its log and its record lie, below the study's folder.
  std::filesystem::path folder() const { return name + "-" + key.substr(0, 8); }
};

/// Nodes in an order in which they can run.
struct Graph {
  std::vector<Node> nodes;

  /// Appends the node with its key; returns its index.
  size_t add(Node node);
};

/// The configuration file `node` is run with. Throws kUsage for a value INI cannot hold, and for a
/// comma in `out`, whose paths stand in lists.
std::string config_text(const Graph& graph, const Node& node, const std::filesystem::path& out);

}  // namespace reprise
