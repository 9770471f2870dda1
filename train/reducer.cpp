#include "train/reducer.h"

#include <ATen/ATen.h>

#include "train/worker.h"

namespace reprise {
namespace {

/// One rank: its gradients are the sum already.
class LoneReducer final : public Reducer {
 public:
  void add(size_t) override {}
  void finalize() override {}
};

Buffer buffer_of(const at::Tensor& bucket) {
  const bool wide = bucket.scalar_type() == at::kDouble;
  return {bucket.data_ptr(), bucket.numel(), wide ? Element::kFloat64 : Element::kFloat32};
}

class BucketReducer final : public Reducer {
 public:
  BucketReducer(Gradients& gradients, Communicator& comm)
      : gradients_(gradients), comm_(comm.duplicate()), added_(gradients.parameters()) {
    start_over();
  }

  void add(size_t index) override {
    require(!added_[index], ExitCode::kFailure, "gradient ", index, " was added twice in one step");
    added_[index] = true;
    --missing_[gradients_.bucket_of(index)];
    while (next_ < missing_.size() && missing_[next_] == 0) send(next_++);
  }

  void finalize() override {
    while (next_ < missing_.size()) send(next_++);
    start_over();
    worker_.wait();
  }

 private:
  void send(size_t bucket) {
    worker_.post([this, bucket] {
      comm_->all_reduce(buffer_of(gradients_.buckets()[bucket]), Reduction::kSum);
    });
  }

  void start_over() {
    next_ = 0;
    added_.assign(added_.size(), false);
    missing_.assign(gradients_.buckets().size(), 0);
    for (size_t i = 0; i < added_.size(); ++i) ++missing_[gradients_.bucket_of(i)];
  }

  Gradients& gradients_;
  std::unique_ptr<Communicator> comm_;
  std::vector<bool> added_;
  std::vector<size_t> missing_;  ///< per bucket, parameters not added in this step
  size_t next_ = 0;              ///< first bucket not sent in this step
  Worker worker_;                ///< last: ends before what its jobs use
};

}  // namespace

std::unique_ptr<Reducer> make_reducer(Gradients& gradients, Communicator& comm) {
  require(!comm.on_device(), ExitCode::kFailure, "gradients are reduced on the host; the ",
          comm.name(), " communicator works on device memory");
  if (comm.size() == 1) return std::make_unique<LoneReducer>();
  return std::make_unique<BucketReducer>(gradients, comm);
}

}  // namespace reprise
