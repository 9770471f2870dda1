// Brings every rank the weights that their owners have updated (shards.h).
#pragma once

#include <vector>

#include "models/parameters.h"
#include "train/transport.h"

namespace reprise {

class WeightGather {
 public:
  /// `owner_of` names the rank of each parameter, the same on every rank; `rank` is this one. Large
  /// weights travel from where they lie to where they lie; small ones of one owner in packets of
  /// `packet_bytes` at most, which are all the memory this takes.
  WeightGather(const std::vector<Parameter>& parameters, const std::vector<int>& owner_of, int rank,
               int64_t packet_bytes = int64_t{1} << 20);

  /// Collective. Returns when every weight on this rank is its owner's, to the bit. Throws what a
  /// collective threw.
  void run(Transport& transport);

 private:
  struct Packet {
    int owner = 0;
    std::vector<at::Tensor> weights;
    at::Tensor flat;  ///< what travels; the weight itself where there is one
  };
  void add_packets_of(int owner, const std::vector<at::Tensor>& weights, int64_t packet_bytes);

  int rank_;
  std::vector<Packet> packets_;  ///< in the order in which all ranks send
};

}  // namespace reprise
