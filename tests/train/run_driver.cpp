// A training run under mpirun whose last rank does something to itself before a step, for
// run_test.cpp:
//
//   run_driver WHAT STEP [--train.key value ...]      WHAT: nothing, kill (SIGKILL), terminate
//   (SIGTERM), user (SIGUSR1), nan-loss, nan-gradient
#include <ATen/ATen.h>
#include <ATen/record_function.h>

#include <cmath>
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

/// The operation whose first tensor gets a NaN, as the profiler names it; one per process.
std::string poisoned;

std::unique_ptr<at::ObserverContext> poison_input(const at::RecordFunction& function) {
  if (function.name() != poisoned || function.inputs().empty()) return nullptr;
  const c10::IValue& input = function.inputs()[0];
  if (input.isTensor() && input.toTensor().scalar_type() == at::kFloat)
    *static_cast<float*>(input.toTensor().data_ptr()) = std::nanf("");
  return nullptr;
}

/// From now on every call of `operation` in this process starts from a NaN.
void poison(const std::string& operation) {
  if (!poisoned.empty()) return;
  poisoned = operation;
  at::addGlobalCallback(at::RecordFunctionCallback(poison_input).needsInputs(true));
}

void do_to_this_rank(const std::string& what) {
  if (const int signal = signal_named(what)) std::raise(signal);
  if (what == "nan-loss") poison("aten::sum");
  if (what == "nan-gradient") poison("torch::autograd::AccumulateGrad");
}

ExitCode run(std::span<const std::string> words, Communicator& comm) {
  log::start(log::Level::kInfo, comm.rank(), comm.size());
  ModelOptions model = test::small_model();
  TrainOptions options = test::small_training();
  OptionSet set("driver", "a run of training over synthetic text");
  set.add("model", model).add("train", options);
  set.parse(words.subspan(2));

  const bool is_victim = comm.rank() == comm.size() - 1;
  const auto batches = test::counting_batches(model);
  const auto with_fault = [&](int64_t step, int64_t first, int64_t count) {
    if (is_victim && step == std::stoll(words[1])) do_to_this_rank(words[0]);
    return batches(step, first, count);
  };
  const TrainingText text{with_fault, 1.0, "tokenizer", {{"train", "synthetic"}}};
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
    std::cerr << concat("error: ", error.what(), "\n");  // in one piece: ranks may speak at once
    abort_job(static_cast<int>(error.code()));
  }
}
