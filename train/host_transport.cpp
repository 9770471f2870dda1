#include "train/transport.h"
#include "train/worker.h"

namespace reprise {
namespace {

class HostTransport final : public Transport {
 public:
  explicit HostTransport(Communicator& comm) : comm_(comm.duplicate()) {}
  void send(Buffer bucket) override {
    worker_.post([this, bucket] { comm_->all_reduce(bucket, Reduction::kSum); });
  }
  void broadcast(Buffer buffer, int root) override {
    worker_.post([this, buffer, root] { comm_->broadcast(buffer, root); });
  }
  void join() override { worker_.wait(); }
  void await() override {}  // join() has waited

 private:
  std::unique_ptr<Communicator> comm_;
  Worker worker_;  ///< last: ends before what its jobs use
};

}  // namespace

std::unique_ptr<Transport> make_host_transport(Communicator& comm) {
  return std::make_unique<HostTransport>(comm);
}

}  // namespace reprise
