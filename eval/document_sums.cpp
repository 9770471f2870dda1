#include "eval/document_sums.h"

namespace reprise {

std::vector<DocumentScores> DocumentSums::over_ranks(const std::vector<Document>& documents,
                                                     Communicator& comm) && {
  comm.all_reduce(Buffer::of(nats_.data(), std::ssize(nats_)), Reduction::kSum);
  std::vector<DocumentScores> arms(arms_);
  for (size_t d = 0; d < documents.size(); ++d)
    for (size_t a = 0; a < arms_; ++a)
      arms[a].push_back({Nats{nats_[d * arms_ + a]}, documents[d].bytes});
  return arms;
}

}  // namespace reprise
