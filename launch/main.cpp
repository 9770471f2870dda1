// The program: finds the command, gives it a communicator, and turns whatever it throws into one
// line and an exit code. Nothing else in the project catches to end, or exits.
#include <algorithm>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <new>
#include <optional>
#include <vector>

#include "base/comm/mpi.h"
#include "base/log.h"
#include "base/options.h"
#include "launch/command_table.h"
#include "launch/facts.h"
#include "launch/last_words.h"

namespace reprise {

template <>
struct EnumNames<log::Level> {
  static constexpr std::array names{
      std::pair{log::Level::kDebug, "debug"}, std::pair{log::Level::kInfo, "info"},
      std::pair{log::Level::kWarning, "warning"}, std::pair{log::Level::kError, "error"},
      std::pair{log::Level::kOff, "off"}};
};

namespace {

using Words = std::span<const std::string>;

struct Fault {
  ExitCode code = ExitCode::kFailure;
  std::string line;
};

/// What is being thrown, in one line: libtorch's messages go on with a stack trace.
Fault describe(const std::exception_ptr& thrown) {
  Fault fault;
  try {
    std::rethrow_exception(thrown);
  } catch (const Error& error) {
    fault = {error.code(), error.what()};
  } catch (const std::bad_alloc&) {
    fault.line = "out of memory";
  } catch (const std::exception& error) {
    fault.line = error.what();
  } catch (...) {
    fault.line = "an exception of an unknown type";
  }
  fault.line.resize(std::min(fault.line.find('\n'), fault.line.size()));
  return fault;
}

/// "reprise train: ...", or "reprise: ..." where there is no such command.
void say(Words words, const std::string& line) {
  const bool known = !words.empty() && std::ranges::count(commands(), words[0], &Command::name);
  std::cerr << (known ? concat("reprise ", words[0]) : "reprise") << ": " << line << std::endl;
}

log::Level log_level() {
  const char* name = std::getenv("REPRISE_LOG");
  if (!name || !*name) return log::Level::kInfo;
  try {
    return parse_enum<log::Level>(name);
  } catch (const Error& error) {
    fail(error.code(), "REPRISE_LOG: ", error.what());
  }
}

ExitCode run_command(Words words, Communicator& comm) {
  require(!words.empty(), ExitCode::kUsage, "no command given; see reprise --help");
  if (words[0] == "--help") {
    std::cout << program_help();
    return ExitCode::kOk;
  }
  if (words[0] == "--version") {
    std::cout << version_text();
    return ExitCode::kOk;
  }
  return find_command(words[0]).run(words.subspan(1), comm);
}

/// Before any rank acts on its words: two that run different commands would wait for each other.
void require_same_words(Words words, Communicator& comm) {
  std::string line;
  for (const auto& word : words) line += word + '\n';
  require_agreement(comm, "the command line", line);
}

ExitCode run(Words words, Communicator& comm) {
  log::start(log_level(), comm.rank(), comm.size());
  if (comm.rank() != 0) std::cout.setstate(std::ios::failbit);  // data comes from rank 0 alone
  require_same_words(words, comm);
  const ExitCode code = run_command(words, comm);
  require(comm.rank() != 0 || std::cout.flush(), ExitCode::kFailure,
          "cannot write to the standard output; is its disk full?");
  return code;
}

ExitCode run_alone(Words words) { return run(words, *make_self_communicator()); }

/// A failing rank ends the whole job: the others may wait for it in a collective.
ExitCode run_in_job(Words words) {
  MpiSession session;
  LastWords last_words;
  Communicator& comm = session.world();
  try {
    return run(words, comm);
  } catch (...) {
    const Fault fault = describe(std::current_exception());
    const std::string who = comm.rank() == 0 ? "" : concat("rank ", comm.rank(), ": ");
    if (last_words.mine_to_say()) say(words, concat(who, fault.line));
    abort_job(static_cast<int>(fault.code));
  }
}

ExitCode run_program(Words words) {
  try {
    return started_by_mpi_launcher() ? run_in_job(words) : run_alone(words);
  } catch (...) {
    const Fault fault = describe(std::current_exception());
    say(words, fault.line);
    return fault.code;
  }
}

}  // namespace
}  // namespace reprise

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  return static_cast<int>(reprise::run_program(words));
}
