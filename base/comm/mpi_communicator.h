// MPI on host memory behind Communicator. Included by base/comm and its tests; others take it from
// MpiSession::world().
#pragma once

#include <mpi.h>

#include "base/comm/communicator.h"

namespace reprise {

/// Throws kFailure with the call, this process's rank and MPI's words, unless `code` is
/// MPI_SUCCESS.
void check_mpi(int code, const char* call);

/// Between MPI_Init and MPI_Finalize.
bool mpi_is_running();

class MpiCommunicator : public Communicator {
 public:
  /// Duplicates `parent`, so that messages of different users cannot meet. Collective. No MPI call
  /// is given more than `largest_call` elements, whose counts are int; longer buffers take several
  /// calls.
  explicit MpiCommunicator(MPI_Comm parent, int64_t largest_call = int64_t{1} << 30);
  ~MpiCommunicator() override;
  MpiCommunicator(const MpiCommunicator&) = delete;
  MpiCommunicator& operator=(const MpiCommunicator&) = delete;

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  std::string_view name() const override { return "mpi"; }

  void all_reduce(Buffer buffer, Reduction reduction) override;
  void broadcast(Buffer buffer, int root) override;
  void all_gather(Buffer mine, void* all) override;
  void barrier() override;
  std::unique_ptr<Communicator> duplicate() override;

 private:
  MPI_Comm comm_ = MPI_COMM_NULL;
  int rank_ = 0, size_ = 1;
  int64_t largest_call_;
};

}  // namespace reprise
