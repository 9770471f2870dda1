// How many passes a training step runs, and through how many of them backward goes: a pure function
// of (options, seed, step), so that it is the same on every rank and after a resume.
#pragma once

#include "base/options.h"
#include "models/options.h"
#include "train/schedule.h"

namespace reprise {

enum class DepthDraw { kFixed, kUniform, kPoissonLognormal, kTwoPoint };
template <>
struct EnumNames<DepthDraw> {
  static constexpr std::array names{std::pair{DepthDraw::kFixed, "fixed"},
                                    std::pair{DepthDraw::kUniform, "uniform"},
                                    std::pair{DepthDraw::kPoissonLognormal, "poisson-lognormal"},
                                    std::pair{DepthDraw::kTwoPoint, "two-point"}};
};

struct DepthOptions {
  DepthDraw draw = DepthDraw::kFixed;
  int64_t least = 1, most = 0;
  double mean = 0, sigma = 0.5, deep_share = 0.5, delay_share = 0;
  int64_t graph_passes = 0;

  template <class Visitor>
  void visit(Visitor&& field) {
    field("depth", draw, "", "base passes of a step: model.passes, or drawn anew for every step");
    field("depth-least", least, "passes", "drawn depth: fewest");
    field("depth-most", most, "passes",
          "drawn depth: most; 0: model.passes, and 3 times that for poisson-lognormal");
    field("depth-mean", mean, "passes",
          "poisson-lognormal: mean before the draw is clipped; 0: model.passes");
    field("depth-sigma", sigma, "", "poisson-lognormal: deviation of the logarithm of the rate");
    field("deep-share", deep_share, "share of steps",
          "two-point: steps of depth-most passes; the others run depth-least");
    field("delay-share", delay_share, "share of steps",
          "over which only one pass runs and nothing is refined; 0.35 to 0.65 are usual");
    field("graph-passes", graph_passes, "passes",
          "backward goes through so many of the last base passes; 0: through all");
  }
};

/// What one step runs.
struct StepDepth {
  int64_t passes = 1;        ///< base passes
  int64_t graph_passes = 1;  ///< of them, the last ones, which backward goes through
  bool refines = true;       ///< false while recurrence is delayed
  int64_t first_with_graph() const { return passes - graph_passes; }
};

/// Throws kUsage, in one line.
void validate(const DepthOptions& options, const ModelOptions& model);

/// The most base passes a step may run.
int64_t most_passes(const DepthOptions& options, const ModelOptions& model);

/// (3) random depth: uniform over [least, most]; two-point {least, most}; or Poisson-lognormal, r =
/// 1 + Poisson(e^tau), tau ~ N(log(mean - 1) - sigma^2 / 2, sigma), clipped to [least, most], with
/// truncated back-propagation: Geiping et al., arXiv:2502.05171. (4) delayed recurrence: one pass
/// over the first `delay_share` of the steps.
StepDepth depth_of_step(const DepthOptions& options, const ModelOptions& model, uint64_t seed,
                        const StepOf& at);

/// The smallest k whose cumulative Poisson probability exceeds `uniform`, which lies in [0, 1).
int64_t poisson_quantile(double mean, double uniform);

}  // namespace reprise
