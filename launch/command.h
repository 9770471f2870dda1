// A subcommand of the program: its name, its one sentence, its entry.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/comm/communicator.h"
#include "base/error.h"

namespace reprise {

struct Command {
  std::string_view name;
  std::string_view summary;
  /// `words` are those behind the name. Under mpirun every rank enters with its communicator.
  ExitCode (*run)(std::span<const std::string> words, Communicator& comm);
};

// One file each, in launch/commands/.
ExitCode run_data(std::span<const std::string> words, Communicator& comm);
ExitCode run_train(std::span<const std::string> words, Communicator& comm);
ExitCode run_gate(std::span<const std::string> words, Communicator& comm);
ExitCode run_pack(std::span<const std::string> words, Communicator& comm);
ExitCode run_artifact(std::span<const std::string> words, Communicator& comm);
ExitCode run_eval(std::span<const std::string> words, Communicator& comm);
ExitCode run_curves(std::span<const std::string> words, Communicator& comm);
ExitCode run_sweep(std::span<const std::string> words, Communicator& comm);
ExitCode run_alternatives(std::span<const std::string> words, Communicator& comm);
ExitCode run_verdict(std::span<const std::string> words, Communicator& comm);
ExitCode run_report(std::span<const std::string> words, Communicator& comm);
ExitCode run_size(std::span<const std::string> words, Communicator& comm);
ExitCode run_study(std::span<const std::string> words, Communicator& comm);

}  // namespace reprise
