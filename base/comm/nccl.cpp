#include "base/comm/nccl.h"

#include <exception>
#include <thread>
#include <utility>

#include "base/error.h"

namespace reprise {
namespace {

ncclDataType_t nccl_type(Element element) {
  switch (element) {
    case Element::kByte:
      return ncclUint8;
    case Element::kInt64:
      return ncclInt64;
    case Element::kFloat32:
      return ncclFloat32;
    case Element::kFloat64:
      return ncclFloat64;
  }
  fail(ExitCode::kFailure, "no such element type: ", static_cast<int>(element));
}

ncclRedOp_t nccl_op(Reduction reduction) {
  switch (reduction) {
    case Reduction::kSum:
      return ncclSum;
    case Reduction::kMin:
      return ncclMin;
    case Reduction::kMax:
      return ncclMax;
  }
  fail(ExitCode::kFailure, "no such reduction: ", static_cast<int>(reduction));
}

ncclConfig_t non_blocking() {
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 0;
  return config;
}

/// Rank 0's unique id on every rank.
ncclUniqueId agree_on_id(Communicator& host) {
  ncclUniqueId id{};
  ncclResult_t result = ncclSuccess;
  if (host.rank() == 0) result = ncclGetUniqueId(&id);
  require(!any_rank(host, result != ncclSuccess), ExitCode::kFailure,
          "ncclGetUniqueId failed on rank 0: ", ncclGetLastError(nullptr));
  host.broadcast({id.internal, sizeof(id.internal), Element::kByte}, 0);
  return id;
}

}  // namespace

// The other constructors delegate to this one, so that the destructor runs where they throw half
// way.
NcclCommunicator::NcclCommunicator(NcclOptions options, int rank, int size)
    : options_(options),
      rank_(rank),
      size_(size),
      watchdog_(options.watchdog, rank, [this] { ncclCommAbort(comm_); }) {}

NcclCommunicator::NcclCommunicator(Communicator& host, NcclOptions options)
    : NcclCommunicator(options, host.rank(), host.size()) {
  check_cuda(cudaSetDevice(options_.device), "cudaSetDevice");
  const ncclUniqueId id = agree_on_id(host);
  ncclConfig_t config = non_blocking();
  ncclComm_t comm = nullptr;
  const ncclResult_t result = ncclCommInitRankConfig(&comm, size_, id, rank_, &config);
  comm_ = comm;
  check(result, "ncclCommInitRankConfig");
}

std::unique_ptr<Communicator> NcclCommunicator::duplicate() {
  auto copy = std::unique_ptr<NcclCommunicator>(new NcclCommunicator(options_, rank_, size_));
  copy->own_stream_ = std::make_unique<CudaStream>(options_.device);
  copy->options_.stream = copy->own_stream_->get();
  ncclConfig_t config = non_blocking();
  ncclComm_t comm = nullptr;
  // While the split is in progress it is this communicator that tells; only then is there another.
  check(ncclCommSplit(comm_, 0, rank_, &comm, &config), "ncclCommSplit");
  copy->comm_ = comm;
  copy->check(ncclInProgress, "ncclCommSplit");
  return copy;
}

NcclCommunicator::~NcclCommunicator() {
  if (!comm_) return;
  if (std::uncaught_exceptions() > 0) {
    ncclCommAbort(comm_);
    return;
  }
  if (ncclCommFinalize(comm_) == ncclInProgress) wait_while_in_progress("ncclCommFinalize");
  ncclCommDestroy(comm_);
}

void NcclCommunicator::all_reduce(Buffer buffer, Reduction reduction) {
  if (buffer.count == 0) return;
  check(ncclAllReduce(buffer.data, buffer.data, static_cast<size_t>(buffer.count),
                      nccl_type(buffer.element), nccl_op(reduction), comm_, stream()),
        "ncclAllReduce");
}

void NcclCommunicator::broadcast(Buffer buffer, int root) {
  if (buffer.count == 0) return;
  check(ncclBroadcast(buffer.data, buffer.data, static_cast<size_t>(buffer.count),
                      nccl_type(buffer.element), root, comm_, stream()),
        "ncclBroadcast");
}

void NcclCommunicator::all_gather(Buffer mine, void* all) {
  if (mine.count == 0) return;
  check(ncclAllGather(mine.data, all, static_cast<size_t>(mine.count), nccl_type(mine.element),
                      comm_, stream()),
        "ncclAllGather");
}

void NcclCommunicator::barrier() {
  uint8_t* flag = nullptr;
  check_cuda(cudaMallocAsync(reinterpret_cast<void**>(&flag), 1, stream()), "cudaMallocAsync");
  all_reduce(Buffer::of(flag, 1), Reduction::kMax);
  check_cuda(cudaFreeAsync(flag, stream()), "cudaFreeAsync");
  synchronize();
}

void NcclCommunicator::synchronize() {
  const auto watch = watchdog_.watch("work on the NCCL stream");
  cudaError_t state = cudaErrorNotReady;
  while ((state = cudaStreamQuery(stream())) == cudaErrorNotReady) {
    ncclResult_t result = ncclSuccess;
    check(ncclCommGetAsyncError(comm_, &result), "ncclCommGetAsyncError");
    if (result != ncclInProgress) check(result, "work on the NCCL stream");
    std::this_thread::yield();
  }
  check_cuda(state, "cudaStreamQuery");
}

void NcclCommunicator::check(ncclResult_t result, const char* call) {
  if (result == ncclInProgress) result = wait_while_in_progress(call);
  require(result == ncclSuccess, ExitCode::kFailure, call, " failed on rank ", rank_, ": ",
          ncclGetErrorString(result), "; ", ncclGetLastError(comm_));
}

ncclResult_t NcclCommunicator::wait_while_in_progress(const char* call) {
  const auto watch = watchdog_.watch(call);
  ncclResult_t result = ncclInProgress;
  while (result == ncclInProgress) {
    std::this_thread::yield();
    if (const auto asked = ncclCommGetAsyncError(comm_, &result); asked != ncclSuccess)
      return asked;
  }
  return result;
}

}  // namespace reprise
