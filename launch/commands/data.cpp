// reprise data: text on disk -> a corpus of token shards, index and tokenizer.
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/options.h"
#include "data/build.h"
#include "launch/command.h"

namespace reprise {

ExitCode run_data(std::span<const std::string> words, Communicator& comm) {
  DataOptions options;
  OptionSet set("data",
                "turns text into a corpus: token shards, an index of documents, a tokenizer");
  set.add("data", options);
  if (!set.parse(words)) return ExitCode::kOk;
  require_agreement(comm, "the configuration", set.digest());
  if (comm.rank() == 0) {
    const auto manifest = build_corpus(options, set.resolved());
    std::cout << manifest.dump(2) << std::endl;
  }
  comm.barrier();  // the folder is whole before any rank goes on
  return ExitCode::kOk;
}

}  // namespace reprise
