// The gate's head that an artifact carries (models/gate_head.h), as it comes back from disk.
#pragma once

#include <memory>
#include <vector>

#include "eval/predictions.h"
#include "models/artifact/artifact.h"
#include "models/gate_head.h"

namespace reprise {

class StoredHead {
 public:
  StoredHead(const HeadOptions& options, GateHead head)
      : options_(options), head_(std::move(head)) {}

  /// One score for each row: of its readout, [N, D], and what that predicts.
  std::vector<float> scores(const at::Tensor& features_ND, const Predictions& predictions,
                            int64_t vocab) const;
  /// Operations of one score, forward.
  double flops() const { return 2 * static_cast<double>(head_.count()); }

 private:
  HeadOptions options_;
  GateHead head_;
};

/// Null where the artifact's gate reads none. Throws kBadInput where the header says one thing of
/// the head and the tensors another.
std::shared_ptr<const StoredHead> stored_head(const Artifact& artifact, at::Device device);

/// Whether the tensor is the head's.
inline bool is_of_head(const HostTensor& tensor) { return tensor.name.starts_with(kGatePrefix); }

}  // namespace reprise
