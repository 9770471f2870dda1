#include "train/reducer.h"

#include <ATen/ATen.h>

#include "train/bucket_order.h"

namespace reprise {
namespace {

/// One rank: its gradients are the sum already.
class LoneReducer final : public Reducer {
 public:
  void add(size_t) override {}
  void finalize() override {}
  void await() override {}
};

Buffer buffer_of(const at::Tensor& bucket) {
  const bool wide = bucket.scalar_type() == at::kDouble;
  return {bucket.data_ptr(), bucket.numel(), wide ? Element::kFloat64 : Element::kFloat32};
}

std::vector<size_t> buckets_of_all(const Gradients& gradients) {
  std::vector<size_t> buckets;
  for (size_t i = 0; i < gradients.parameters(); ++i) buckets.push_back(gradients.bucket_of(i));
  return buckets;
}

class BucketReducer final : public Reducer {
 public:
  BucketReducer(Gradients& gradients, std::unique_ptr<Transport> transport)
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
  std::unique_ptr<Transport> transport_;
};

}  // namespace

std::unique_ptr<Reducer> make_reducer(Gradients& gradients, std::unique_ptr<Transport> transport) {
  return std::make_unique<BucketReducer>(gradients, std::move(transport));
}

std::unique_ptr<Reducer> make_reducer(Gradients& gradients, Communicator& comm) {
  require(!comm.on_device(), ExitCode::kFailure, "the ", comm.name(),
          " communicator works on device memory; a reducer takes one on the host");
  if (comm.size() == 1) return std::make_unique<LoneReducer>();
  const at::Device device = gradients.device();
  return make_reducer(gradients, device.is_cuda() ? make_gpu_transport(device.index(), comm)
                                                  : make_host_transport(comm));
}

}  // namespace reprise
