// A training run under mpirun whose last rank does something to itself before a step, for
// run_test.cpp:
//
//   run_driver WHAT STEP [--train.key value ...]      WHAT: nothing, kill (SIGKILL), terminate
//   (SIGTERM), user (SIGUSR1)
#include <csignal>
#include <iostream>

#include "base/comm/mpi.h"
#include "base/log.h"
#include "tests/train/synthetic_text.h"

namespace reprise {
namespace {

int signal_named(const std::string& what) {
  if (what == "kill") return SIGKILL;
  if (what == "terminate") return SIGTERM;
  return what == "user" ? SIGUSR1 : 0;
}

ExitCode run(std::span<const std::string> words, Communicator& comm) {
  log::start(log::Level::kInfo, comm.rank(), comm.size());
  ModelOptions model = test::small_model();
  TrainOptions options = test::small_training();
  OptionSet set("driver", "a run of training over synthetic text");
  set.add("model", model).add("train", options);
  set.parse(words.subspan(2));

  const int signal = comm.rank() == comm.size() - 1 ? signal_named(words[0]) : 0;
  const auto batches = test::counting_batches(model);
  const auto with_signal = [&](int64_t step, int64_t first, int64_t count) {
    if (signal && step == std::stoll(words[1])) std::raise(signal);
    return batches(step, first, count);
  };
  const TrainingText text{with_signal, 1.0, "tokenizer", {{"train", "synthetic"}}};
  const auto end = train(model, options, set.resolved(), text, comm);
  return end == TrainEnd::kStopped ? ExitCode::kResumable : ExitCode::kOk;
}

}  // namespace
}  // namespace reprise

int main(int argc, char** argv) {
  using namespace reprise;
  const std::vector<std::string> words(argv + 1, argv + argc);
  const MpiSession* unfinished = new MpiSession;  // an exception must not wait in MPI_Finalize
  try {
    const ExitCode code = run(words, const_cast<MpiSession*>(unfinished)->world());
    delete unfinished;
    return static_cast<int>(code);
  } catch (const Error& error) {
    std::cerr << "error: " << error.what() << std::endl;
    abort_job(static_cast<int>(error.code()));
  }
}
