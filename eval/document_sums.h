// Nats of every document under several arms, put together over ranks.
#pragma once

#include <vector>

#include "base/comm/communicator.h"
#include "data/corpus.h"
#include "eval/stats/score.h"

namespace reprise {

class DocumentSums {
 public:
  DocumentSums(size_t documents, size_t arms) : arms_(arms), nats_(documents * arms, 0) {}

  void add(size_t document, size_t arm, double nats) { nats_[document * arms_ + arm] += nats; }

  /// By arm. Every document was scored by one rank: sums beside zeros, which no order of the ranks
  /// changes by a bit. Collective.
  std::vector<DocumentScores> over_ranks(const std::vector<Document>& documents,
                                         Communicator& comm) &&;

 private:
  size_t arms_;
  std::vector<double> nats_;
};

}  // namespace reprise
