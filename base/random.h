// Random numbers addressed by what they are for, not drawn from a state: value(position) depends
// only on (seed, purpose, step, position). So no result depends on how many ranks or threads drew
// before, and nothing has to be saved to resume.
//
// Philox4x32-10: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
#pragma once

#include <array>
#include <cstdint>

namespace reprise {

/// What a stream is for. The numbers are part of every stored result: append, never renumber.
enum class Purpose : uint32_t {
  kInit = 1,        ///< initial weights; step = tensor index
  kBatch = 2,       ///< order of training windows; step = epoch
  kRandomGate = 3,  ///< the gate that draws tokens at random
  kBootstrap = 4,   ///< documents drawn again; step = draw
  kTest = 5,
  kDepth = 6,         ///< passes of a training step
  kWeightNoise = 7,   ///< noise on the weights of a training step
  kTokenShuffle = 8,  ///< token weights of a training step in another order
  kBasisTerms = 9,    ///< vectors of the shared basis that a row takes; step = matrix
  kGatePairs = 10,    ///< positions a gate head learns to rank; step = training step
  kRotation = 11,     ///< signs of the rotation of a stored matrix; seed = its columns
  kSubspace = 12,     ///< start of the search for a stored matrix's largest singular vectors
  kCodebook = 13,     ///< weights that a codebook starts from
  kTrajectory = 14,   ///< noise on the state a refinement begins with; step = trajectory, position
};

class RandomStream {
 public:
  RandomStream(uint64_t seed, Purpose purpose, uint32_t step = 0)
      : key_(seed), purpose_(static_cast<uint32_t>(purpose)), step_(step) {}

  uint64_t bits(uint64_t position) const;
  double uniform(uint64_t position) const;  ///< in [0, 1), 53 bits
  double normal(uint64_t position) const;   ///< mean 0, variance 1 (Box-Muller)
  uint64_t below(uint64_t position,
                 uint64_t bound) const;  ///< in [0, bound); bias under bound / 2^64

 private:
  std::array<uint32_t, 4> block(uint64_t position) const;
  uint64_t key_;
  uint32_t purpose_;
  uint32_t step_;
};

/// A permutation of [0, size) that costs no memory: a Feistel network over the stream, walked back
/// into range.
uint64_t permute(const RandomStream& stream, uint64_t index, uint64_t size);

/// Philox4x32-10 itself, for its known-answer test.
std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

}  // namespace reprise
