#include "base/comm/mpi.h"

#include <mpi.h>

#include <cstdlib>
#include <exception>

#include "base/comm/mpi_communicator.h"
#include "base/error.h"

namespace reprise {

MpiSession::MpiSession() {
  int provided = MPI_THREAD_SINGLE;
  check_mpi(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_MULTIPLE, &provided), "MPI_Init_thread");
  require(
      provided == MPI_THREAD_MULTIPLE, ExitCode::kFailure,
      "this MPI library does not let several threads call it (MPI_THREAD_MULTIPLE); use another");
  // Errors of calls on no communicator go to the world's handler.
  check_mpi(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  world_ = std::make_unique<MpiCommunicator>(MPI_COMM_WORLD);
}

MpiSession::~MpiSession() {
  if (std::uncaught_exceptions() > 0) return;
  world_.reset();
  MPI_Finalize();
}

bool started_by_mpi_launcher() {
  for (const char* variable : {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK"})
    if (std::getenv(variable)) return true;
  return false;
}

void abort_job(int exit_code) {
  if (mpi_is_running()) MPI_Abort(MPI_COMM_WORLD, exit_code);
  std::_Exit(exit_code);
}

}  // namespace reprise
