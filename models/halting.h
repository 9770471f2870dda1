// When a position halts, as pure functions of the scores a head (halting_head.h) gives its state
// after each pass: lambda_t = sigmoid(score_t) is the probability to halt at pass t of a position
// that has come so far.
//
// scores_QM are those of the passes from the floor, before which nobody halts, to the last but one;
// the last takes whoever is left and asks for no score. What is given back has Q + 1 rows, or
// counts them from 0: the passes from the floor to the last. Q may be 0.
#pragma once

#include <ATen/core/Tensor.h>

namespace reprise {

/// log p_t with p_t = lambda_t prod_{s<t} (1 - lambda_s), the last pass taking the rest: Banino et
/// al., "PonderNet", arXiv:2107.05407. Logarithms, since entropies and divergences are
/// taken of them and a saturated p_t is 0. [Q + 1, M].
at::Tensor log_exit_probabilities(const at::Tensor& scores_QM);

/// The first pass at which p_1 + ... + p_t reaches `threshold`: int64 [M]. No graph.
at::Tensor exit_row(const at::Tensor& scores_QM, double threshold);

/// Adaptive computation time, with the last pass as its bound on time: Graves, arXiv:1603.08983.
/// A position halts at N = min {n : lambda_1 + ... + lambda_n >= 1 - epsilon}, and its
/// state is the mean of those before and at N, weighted by
///
///   p_n = lambda_n for n < N, p_N = R = 1 - sum_{n<N} lambda_n
///
/// Its ponder cost is N + R, of which only R has a gradient.
struct Pondering {
  at::Tensor weights;      ///< p, [Q + 1, M]
  at::Tensor halted_M;     ///< N, as a row: int64
  at::Tensor remainder_M;  ///< R
};
inline constexpr double kPonderEpsilon = 0.01;  // the paper's
Pondering ponder(const at::Tensor& scores_QM);

}  // namespace reprise
