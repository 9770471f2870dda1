#include "base/comm/mpi_communicator.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"

namespace reprise {
namespace {

MPI_Datatype mpi_type(Element element) {
  switch (element) {
    case Element::kByte:
      return MPI_UINT8_T;  // not MPI_BYTE, which has no sum
    case Element::kInt64:
      return MPI_INT64_T;
    case Element::kFloat32:
      return MPI_FLOAT;
    case Element::kFloat64:
      return MPI_DOUBLE;
  }
  fail(ExitCode::kFailure, "no such element type: ", static_cast<int>(element));
}

MPI_Op mpi_op(Reduction reduction) {
  switch (reduction) {
    case Reduction::kSum:
      return MPI_SUM;
    case Reduction::kMin:
      return MPI_MIN;
    case Reduction::kMax:
      return MPI_MAX;
  }
  fail(ExitCode::kFailure, "no such reduction: ", static_cast<int>(reduction));
}

/// Calls `use(data, count)` for pieces of at most `largest` elements.
template <class Use>
void in_pieces(Buffer buffer, int64_t largest, const Use& use) {
  auto* data = static_cast<char*>(buffer.data);
  for (int64_t done = 0; done < buffer.count; done += largest)
    use(data + done * size_of(buffer.element),
        static_cast<int>(std::min(largest, buffer.count - done)));
}

}  // namespace

bool mpi_is_running() {
  int initialized = 0, finalized = 0;
  MPI_Initialized(&initialized);
  MPI_Finalized(&finalized);
  return initialized && !finalized;
}

void check_mpi(int code, const char* call) {
  if (code == MPI_SUCCESS) return;
  char words[MPI_MAX_ERROR_STRING] = "";
  int length = 0, rank = -1;
  if (mpi_is_running()) {
    MPI_Error_string(code, words, &length);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  }
  fail(ExitCode::kFailure, call, " failed on rank ", rank, ": ", words, " (code ", code, ")");
}

MpiCommunicator::MpiCommunicator(MPI_Comm parent, int64_t largest_call)
    : largest_call_(largest_call) {
  check_mpi(MPI_Comm_dup(parent, &comm_), "MPI_Comm_dup");
  check_mpi(MPI_Comm_set_errhandler(comm_, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  check_mpi(MPI_Comm_rank(comm_, &rank_), "MPI_Comm_rank");
  check_mpi(MPI_Comm_size(comm_, &size_), "MPI_Comm_size");
}

MpiCommunicator::~MpiCommunicator() {
  if (mpi_is_running()) MPI_Comm_free(&comm_);
}

void MpiCommunicator::all_reduce(Buffer buffer, Reduction reduction) {
  in_pieces(buffer, largest_call_, [&](void* data, int count) {
    check_mpi(MPI_Allreduce(MPI_IN_PLACE, data, count, mpi_type(buffer.element), mpi_op(reduction),
                            comm_),
              "MPI_Allreduce");
  });
}

void MpiCommunicator::broadcast(Buffer buffer, int root) {
  in_pieces(buffer, largest_call_, [&](void* data, int count) {
    check_mpi(MPI_Bcast(data, count, mpi_type(buffer.element), root, comm_), "MPI_Bcast");
  });
}

void MpiCommunicator::all_gather(Buffer mine, void* all) {
  if (mine.count <= largest_call_) {
    const int count = static_cast<int>(mine.count);
    const MPI_Datatype type = mpi_type(mine.element);
    check_mpi(MPI_Allgather(mine.data, count, type, all, count, type, comm_), "MPI_Allgather");
    return;
  }
  // A gather in pieces would interleave the ranks; a broadcast from each rank keeps them in order.
  const int64_t mine_bytes = mine.count * size_of(mine.element);
  auto* place = static_cast<char*>(all);
  std::memcpy(place + rank_ * mine_bytes, mine.data, static_cast<size_t>(mine_bytes));
  for (int root = 0; root < size_; ++root)
    broadcast({place + root * mine_bytes, mine.count, mine.element}, root);
}

void MpiCommunicator::barrier() { check_mpi(MPI_Barrier(comm_), "MPI_Barrier"); }

std::unique_ptr<Communicator> MpiCommunicator::duplicate() {
  return std::make_unique<MpiCommunicator>(comm_, largest_call_);
}

}  // namespace reprise
