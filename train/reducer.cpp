#include "train/reducer.h"

#include <ATen/ATen.h>

#include "train/bucket_order.h"
#include "train/buffer_of.h"

namespace reprise {
namespace {

/// One rank: its gradients are the sum already.
class LoneReducer final : public Reducer {
 public:
  void add(size_t) override {}
  void finalize() override {}
  void await() override {}
};

std::vector<size_t> buckets_of_all(const Gradients& gradients) {
  std::vector<size_t> buckets;
  for (size_t i = 0; i < gradients.parameters(); ++i) buckets.push_back(gradients.bucket_of(i));
  return buckets;
}

class BucketReducer final : public Reducer {
 public:
  BucketReducer(Gradients& gradients, std::shared_ptr<Transport> transport)
      : gradients_(gradients),
        order_(buckets_of_all(gradients), gradients.buckets().size()),
        transport_(std::move(transport)) {}

  void add(size_t index) override { send(order_.add(index)); }
  void finalize() override {
    send(order_.finish());
    transport_->join();
  }
  void await() override { transport_->await(); }

 private:
  void send(BucketRange range) {
    for (size_t bucket = range.first; bucket < range.last; ++bucket)
      transport_->send(buffer_of(gradients_.buckets()[bucket]));
  }

  Gradients& gradients_;
  BucketOrder order_;
  std::shared_ptr<Transport> transport_;
};

}  // namespace

std::unique_ptr<Transport> make_transport(at::Device device, Communicator& comm) {
  require(!comm.on_device(), ExitCode::kFailure, "the ", comm.name(),
          " communicator works on device memory; a transport takes one on the host");
  if (comm.size() == 1) return nullptr;
  return device.is_cuda() ? make_gpu_transport(device.index(), comm) : make_host_transport(comm);
}

std::unique_ptr<Reducer> make_reducer(Gradients& gradients, std::shared_ptr<Transport> transport) {
  if (!transport) return std::make_unique<LoneReducer>();
  return std::make_unique<BucketReducer>(gradients, std::move(transport));
}

std::unique_ptr<Reducer> make_reducer(Gradients& gradients, Communicator& comm) {
  return make_reducer(gradients, make_transport(gradients.device(), comm));
}

}  // namespace reprise
