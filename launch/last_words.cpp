#include "launch/last_words.h"

#include <thread>
#include <vector>

namespace reprise {
namespace {

constexpr int kFailed = 1;  // the only tag; a notice carries nothing else

}  // namespace

LastWords::LastWords(std::chrono::milliseconds listening) : listening_(listening) {
  MPI_Comm_dup(MPI_COMM_WORLD, &channel_);
  MPI_Comm_rank(channel_, &rank_);
  MPI_Comm_size(channel_, &ranks_);
}

LastWords::~LastWords() { MPI_Comm_free(&channel_); }

bool LastWords::heard_from_below() const {
  int heard = 0;
  MPI_Iprobe(MPI_ANY_SOURCE, kFailed, channel_, &heard, MPI_STATUS_IGNORE);
  return heard != 0;
}

bool LastWords::mine_to_say() {
  // Never completed: the ranks above may not listen, and the job ends in a moment.
  std::vector<MPI_Request> notices(static_cast<size_t>(ranks_));
  for (int above = rank_ + 1; above < ranks_; ++above)
    MPI_Isend(nullptr, 0, MPI_BYTE, above, kFailed, channel_, &notices[static_cast<size_t>(above)]);
  if (rank_ == 0) return true;

  using Clock = std::chrono::steady_clock;
  const auto listen_until = Clock::now() + listening_;
  while (!heard_from_below()) {
    if (Clock::now() > listen_until) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  std::this_thread::sleep_for(2 * listening_);
  return false;
}

}  // namespace reprise
