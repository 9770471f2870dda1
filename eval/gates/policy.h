// Policies: which predictions of a document are refined, given how much each wants it.
//
// A score says how soon a prediction is refined: larger is sooner (direction * signal, or
// joint_margin() of several). A score that is NaN is below every number: refined last.
//
// A policy decides a document's predictions in their order and remembers what it must in a
// PolicyState, one for each document: so no decision depends on which rank, batch or window other
// documents fell into, and a document may be handed over in pieces of any length.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace reprise {

/// What a policy remembers of the document so far. Starts as {}.
struct PolicyState {
  double threshold_shift = 0;  ///< running quantile: its threshold minus the held-out one
  int64_t decided = 0;         ///< segments: predictions so far
  uint8_t run_refined = 0;     ///< segments: what was decided for the run in hand
  int64_t tokens = -1;         ///< bucket: in units of its own; below 0 before the first
  int64_t refined = 0;         ///< cap: so many so far
};

class RefinementPolicy {
 public:
  virtual ~RefinementPolicy() = default;

  /// 1 where a prediction is refined, for the next scores of the document of `state`.
  virtual std::vector<uint8_t> decide(std::span<const float> scores, PolicyState& state) const = 0;

  /// Whether a decision depends on nothing behind its prediction. Then a document in pieces gets
  /// what it gets as a whole.
  virtual bool causal() const { return true; }

  /// Whether a decision depends on nothing but its own score.
  virtual bool looks_at_one() const { return false; }

  /// What a decision may depend on, in words, for the record of a trace.
  virtual std::vector<std::string> may_see() const = 0;
};

/// Throws kUsage where the policy looks at later predictions: for training, never for scoring.
void require_causal(const RefinementPolicy& policy);

/// Scores that are NaN.
int64_t count_nan(std::span<const float> scores);

/// Where the score is above `threshold`, a quantile of held-out scores. At kRefineAll
/// everywhere, NaN included; else a NaN nowhere.
std::unique_ptr<RefinementPolicy> make_threshold(float threshold);

/// The threshold starts at the held-out one in every document and follows its scores: after each
/// decision
///   threshold += step * (1[refined] - rate)
/// whose fixed point refines `rate` of the predictions. Robbins & Monro, "A stochastic
/// approximation method", Annals of Mathematical Statistics 22, 1951; for quantiles Tierney, SIAM
/// Journal on Scientific and Statistical Computing 4, 1983, here with a constant step, which keeps
/// following. `step` in units of the score. A NaN is not refined. An infinite threshold stays.
std::unique_ptr<RefinementPolicy> make_running_quantile(float threshold, double rate, double step);

/// The `budget` of the predictions given in one call with the largest scores: floor(budget * n) of
/// them, of equal ones the earlier. **Not causal**: for training alone.
std::unique_ptr<RefinementPolicy> make_pick_most(double budget);

/// Runs of `length` predictions, counted from the document's start, refined together or not at all:
/// as `inner` decides on the score of the run's first, the only one it sees.
std::unique_ptr<RefinementPolicy> make_segments(std::unique_ptr<RefinementPolicy> inner,
                                                int64_t length);

/// Refines where `inner` does and the bucket holds a token, which it takes. The bucket holds at
/// most `burst`, starts full, and gets `refill` before every prediction: among the first n
/// predictions of a document at most burst + refill * n are refined. A hard cap at every prefix,
/// kept in whole numbers: refill is rounded down to a multiple of 2^-40.
std::unique_ptr<RefinementPolicy> make_token_bucket(std::unique_ptr<RefinementPolicy> inner,
                                                    double refill, double burst);

/// Refines where `inner` does, until the document has had `most`.
std::unique_ptr<RefinementPolicy> make_total_cap(std::unique_ptr<RefinementPolicy> inner,
                                                 int64_t most);

}  // namespace reprise
