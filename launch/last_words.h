// One line for a job that fails, however many of its ranks do.
//
// The lowest failing rank speaks. A rank that fails tells the ranks above it; one that hears from
// below keeps silent, and its line is not missed: ranks fail alike, or the first to fail takes the
// others with it. Rank 0 speaks at once, the others after a moment's listening.
#pragma once

#include <mpi.h>

#include <chrono>
#include <string>

namespace reprise {

class LastWords {
 public:
  /// Collective, between MPI_Init and MPI_Finalize: opens a channel of its own.
  explicit LastWords(std::chrono::milliseconds listening = std::chrono::milliseconds(1000));
  ~LastWords();  ///< collective
  LastWords(const LastWords&) = delete;
  LastWords& operator=(const LastWords&) = delete;

  /// Not collective. True where this rank is to print its line and end the job; false where a lower
  /// rank does so. A false is given only after `listening` has passed again without the job ending.
  bool mine_to_say();

 private:
  bool heard_from_below() const;

  MPI_Comm channel_ = MPI_COMM_NULL;
  int rank_ = 0, ranks_ = 1;
  std::chrono::milliseconds listening_;
};

}  // namespace reprise
