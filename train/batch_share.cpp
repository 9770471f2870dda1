#include "train/batch_share.h"

#include <ATen/ATen.h>

#include "base/format.h"
#include "models/device.h"

namespace reprise {

BatchShare share_of(int64_t sequences, int rank, int ranks) {
  const int64_t first = sequences * rank / ranks;
  return {first, sequences * (rank + 1) / ranks - first};
}

Batch to_tensors(const TokenBatch& tokens, int64_t first_sequence, at::Device device) {
  const auto copy = [&](const std::vector<int64_t>& ids) {
    return moved_to(device, at::tensor(ids, at::kLong).view({tokens.sequences, tokens.length}));
  };
  return {copy(tokens.inputs), copy(tokens.targets), first_sequence};
}

std::string ranks_where(bool here, Communicator& comm) {
  std::string ranks;
  for (const auto& rank : gather_texts(comm, here ? concat(comm.rank()) : ""))
    if (!rank.empty()) ranks += concat(ranks.empty() ? "" : ", ", rank);
  return ranks;
}

}  // namespace reprise
