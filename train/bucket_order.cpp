#include "train/bucket_order.h"

#include <utility>

#include "base/error.h"

namespace reprise {

BucketOrder::BucketOrder(std::vector<size_t> bucket_of, size_t buckets)
    : bucket_of_(std::move(bucket_of)), added_(bucket_of_.size()), missing_(buckets) {
  start_over();
}

BucketRange BucketOrder::add(size_t parameter) {
  require(!added_[parameter], ExitCode::kFailure, "gradient ", parameter,
          " was added twice in one step");
  added_[parameter] = true;
  --missing_[bucket_of_[parameter]];
  const size_t first = next_;
  while (next_ < missing_.size() && missing_[next_] == 0) ++next_;
  return {first, next_};
}

BucketRange BucketOrder::finish() {
  const BucketRange rest{next_, missing_.size()};
  start_over();
  return rest;
}

void BucketOrder::start_over() {
  next_ = 0;
  added_.assign(added_.size(), false);
  missing_.assign(missing_.size(), 0);
  for (const size_t bucket : bucket_of_) ++missing_[bucket];
}

}  // namespace reprise
