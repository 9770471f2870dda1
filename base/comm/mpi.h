// The MPI library for as long as a session lives, and the job as the launcher sees it.
//
//   MpiSession session;                  // first thing in main, before any thread
//   Communicator& comm = session.world();
//
// Not a singleton: main owns it and passes the communicator on. One session a process, since MPI
// cannot start twice. An exception that unwinds past the session leaves MPI running: finalising
// would wait for ranks that never come, so main ends such a job with abort_job().
#pragma once

#include <memory>

#include "base/comm/communicator.h"

namespace reprise {

class MpiSession {
 public:
  /// MPI_Init_thread with MPI_THREAD_MULTIPLE; throws kFailure where the library grants less.
  MpiSession();
  ~MpiSession();
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;

  /// All ranks of the job, on a duplicate of MPI_COMM_WORLD that nobody else uses.
  Communicator& world() { return *world_; }

 private:
  std::unique_ptr<Communicator> world_;
};

/// True under mpirun or srun: a session would hold more than a lone rank. Asks the environment,
/// starts nothing.
bool started_by_mpi_launcher();

/// Ends every rank of the job with `exit_code`, from any thread; without MPI, this process. Flushes
/// no C++ stream.
[[noreturn]] void abort_job(int exit_code);

}  // namespace reprise
