#include "base/comm/device.h"
#include "base/comm/nccl.h"
#include "tests/comm/contract.h"
#include "tests/support/test_comm.h"

namespace reprise {
namespace {

class NcclSubject : public Subject {
 public:
  explicit NcclSubject(int device)
      : stream_(device),
        comm_(test_comm(), {.device = device, .stream = stream_.get(), .watchdog = {}}) {}
  Communicator& comm() override { return comm_; }

  void on_copy(Communicator& comm, std::vector<std::byte>& host,
               const std::function<void(void*)>& use) override {
    auto& nccl = dynamic_cast<NcclCommunicator&>(comm);
    void* device = nullptr;
    check_cuda(cudaMallocAsync(&device, host.size() + 1, nccl.stream()), "cudaMallocAsync");
    copy(device, host.data(), host.size(), cudaMemcpyHostToDevice, nccl.stream());
    use(device);
    copy(host.data(), device, host.size(), cudaMemcpyDeviceToHost, nccl.stream());
    check_cuda(cudaFreeAsync(device, nccl.stream()), "cudaFreeAsync");
    nccl.synchronize();
  }

 private:
  static void copy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind,
                   cudaStream_t stream) {
    check_cuda(cudaMemcpyAsync(to, from, bytes, kind, stream), "cudaMemcpyAsync");
  }

  CudaStream stream_;
  NcclCommunicator comm_;
};

// One GPU a rank: NCCL 2.28 refuses two ranks on the same one.
std::unique_ptr<Subject> make_subject() {
  const Gpus gpus = find_gpus();
  if (any_rank(test_comm(), std::ssize(gpus.names) < test_comm().size())) return nullptr;
  return std::make_unique<NcclSubject>(
      choose_device(DeviceChoice::kCuda, "device", gpus, test_comm()).gpu);
}

INSTANTIATE_TEST_SUITE_P(Nccl, CommunicatorContract,
                         testing::Values(SubjectCase{
                             "nccl", make_subject,
                             "needs a GPU for every rank; this machine has fewer"}));

}  // namespace
}  // namespace reprise
