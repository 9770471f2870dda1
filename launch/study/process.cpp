#include "launch/study/process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"

namespace reprise {
namespace {

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> all;
  for (const auto& word : words) all.push_back(const_cast<char*>(word.c_str()));
  all.push_back(nullptr);
  return all;
}

struct Program {
  std::vector<char*> words, environment;
};

struct Files {
  int output = -1, log = -1;
};

int open_to_write(const std::filesystem::path& path, int how) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | how, 0644);
  if (file < 0) fail_errno(ExitCode::kFailure, concat("cannot open ", path.string()));
  return file;
}

/// Behind fork: only calls that are safe there. 127 is the shell's code for what cannot be run.
[[noreturn]] void become(const Program& program, const Files& files, pid_t parent) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  setpgid(0, 0);  // the terminal's Ctrl-C reaches this process's parent alone, which passes it on
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(127);  // the parent died before the line above
  dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
  dup2(files.output, STDOUT_FILENO);
  dup2(files.log, STDERR_FILENO);
  execvpe(program.words[0], program.words.data(), program.environment.data());
  _exit(127);
}

pid_t start(const ProcessOptions& options) {
  const Files files{open_to_write(options.output, O_TRUNC), open_to_write(options.log, O_APPEND)};
  const Program program{pointers(options.words), pointers(options.environment)};
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child == 0) become(program, files, parent);
  close(files.output);
  close(files.log);
  if (child < 0) fail_errno(ExitCode::kFailure, "cannot start a process");
  return child;
}

}  // namespace

HeldSignals::HeldSignals() {
  sigemptyset(&held_);
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1, SIGCHLD}) sigaddset(&held_, signal);
  sigprocmask(SIG_BLOCK, &held_, &before_);
}

HeldSignals::~HeldSignals() { sigprocmask(SIG_SETMASK, &before_, nullptr); }

int HeldSignals::take(std::chrono::milliseconds patience) const {
  const timespec wait{patience.count() / 1000, patience.count() % 1000 * 1'000'000};
  const int signal = sigtimedwait(&held_, nullptr, &wait);
  return signal < 0 ? 0 : signal;
}

ProcessEnd run_process(const ProcessOptions& options, const HeldSignals& signals,
                       const std::function<void()>& tick) {
  const pid_t child = start(options);
  ProcessEnd end;
  int status = 0;
  while (waitpid(child, &status, WNOHANG) == 0) {
    const int signal = signals.take(std::chrono::milliseconds(1000));
    tick();
    if (signal == 0 || signal == SIGCHLD) continue;
    kill(child, end.interrupted ? SIGTERM : SIGUSR1);
    end.interrupted = true;
  }
  end.code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return end;
}

}  // namespace reprise
