// A rank's part of a batch that all ranks share.
#pragma once

#include <string>

#include "base/comm/communicator.h"
#include "data/batches.h"
#include "train/pass_reader.h"

namespace reprise {

/// Sequences [first, first + count) of the batch of all ranks.
struct BatchShare {
  int64_t first = 0, count = 0;
};

/// Ranks take neighbouring sequences, as evenly as they divide; some may have none.
BatchShare share_of(int64_t sequences, int rank, int ranks);

Batch to_tensors(const TokenBatch& tokens, int64_t first_sequence, at::Device device);

/// "0, 3": the ranks where `here` holds. Collective.
std::string ranks_where(bool here, Communicator& comm);

}  // namespace reprise
