// What a gate may look at: signals of the base passes at a position, of its own and earlier tokens
// alone. None reads the target.
//
// h_1, ..., h_n are the last states of the residual stream, oldest first: what each base pass left;
// of a model with one pass, what each layer of its core left; before them what entered the core,
// and the embedding. h_n is the coarse state. p_n is the coarse prediction, p_{n-1} that of
// h_{n-1} through the coda, q_{n-1} that of h_{n-1} without it; D_k = h_k - h_{k-1}.
#pragma once

#include "base/options.h"

namespace reprise {

enum class Signal {
  kEntropy,            ///< H(p_n), nats
  kMaxProbability,     ///< max p_n
  kMargin,             ///< first minus second probability of p_n
  kResidual,           ///< |D_n| / |h_n|
  kCosine,             ///< cos(h_n, h_{n-1})
  kDivergence,         ///< KL(p_n | p_{n-1}), nats
  kEntropyChange,      ///< H(p_n) - H(p_{n-1}), nats
  kFlip,               ///< 1 where the most likely token of p_n is another than that of p_{n-1}
  kSecondOrder,        ///< |D_n - D_{n-1}| / |h_n|
  kEarlyDisagreement,  ///< total variation between p_n and q_{n-1}
  kHead,               ///< score of the head that the artifact stores
  kToken,              ///< mean gain of the token read, over the valid split: a table by its id
  kFrequency,          ///< share of the token read in the train split
  kPosition,           ///< of the token read, in its document
};
template <>
struct EnumNames<Signal> {
  static constexpr std::array names{std::pair{Signal::kEntropy, "entropy"},
                                    std::pair{Signal::kMaxProbability, "max-probability"},
                                    std::pair{Signal::kMargin, "margin"},
                                    std::pair{Signal::kResidual, "residual"},
                                    std::pair{Signal::kCosine, "cosine"},
                                    std::pair{Signal::kDivergence, "divergence"},
                                    std::pair{Signal::kEntropyChange, "entropy-change"},
                                    std::pair{Signal::kFlip, "flip"},
                                    std::pair{Signal::kSecondOrder, "second-order"},
                                    std::pair{Signal::kEarlyDisagreement, "early-disagreement"},
                                    std::pair{Signal::kHead, "head"},
                                    std::pair{Signal::kToken, "token"},
                                    std::pair{Signal::kFrequency, "frequency"},
                                    std::pair{Signal::kPosition, "position"}};
};

/// A gate refines where direction * signal is large: -1 where small values speak of uncertainty.
constexpr double direction(Signal signal) {
  switch (signal) {
    case Signal::kMaxProbability:
    case Signal::kMargin:
    case Signal::kCosine:
    case Signal::kFrequency:
    case Signal::kPosition:
      return -1;
    default:
      return 1;
  }
}

}  // namespace reprise
