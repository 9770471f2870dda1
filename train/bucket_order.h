// Which buckets of gradients may leave, and when: one fixed order on all ranks, whatever order the
// gradients of a rank become final in, so that the ranks' collectives match.
#pragma once

#include <cstddef>
#include <vector>

namespace reprise {

/// Buckets [first, last).
struct BucketRange {
  size_t first = 0, last = 0;
};

class BucketOrder {
 public:
  /// `bucket_of` names the bucket of every parameter.
  BucketOrder(std::vector<size_t> bucket_of, size_t buckets);

  /// The gradient of `parameter` is final. Returns the buckets that leave now: complete, and all
  /// before them too. Throws kFailure for a parameter added before in this step.
  BucketRange add(size_t parameter);

  /// Returns the buckets that have not left, complete or not, and begins the next step.
  BucketRange finish();

 private:
  void start_over();

  std::vector<size_t> bucket_of_;
  std::vector<bool> added_;
  std::vector<size_t> missing_;  ///< per bucket, parameters not added in this step
  size_t next_ = 0;              ///< first bucket that has not left in this step
};

}  // namespace reprise
