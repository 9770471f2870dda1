#include "train/depth.h"

#include <algorithm>
#include <cmath>

#include "base/random.h"

namespace reprise {
namespace {

constexpr int64_t kMostDrawn = 256;
/// Far above kMostDrawn, to which the draw is clipped, and e to its negative is no zero yet.
constexpr double kLargestRate = 600;

double mean_of(const DepthOptions& options, const ModelOptions& model) {
  return options.mean > 0 ? options.mean : static_cast<double>(model.passes);
}

int64_t draw(const DepthOptions& options, const ModelOptions& model, const RandomStream& stream) {
  const int64_t most = most_passes(options, model);
  switch (options.draw) {
    case DepthDraw::kFixed:
      break;
    case DepthDraw::kUniform: {
      const auto choices = static_cast<uint64_t>(most - options.least + 1);
      return options.least + static_cast<int64_t>(stream.below(0, choices));
    }
    case DepthDraw::kTwoPoint:
      return stream.uniform(0) < options.deep_share ? most : options.least;
    case DepthDraw::kPoissonLognormal: {
      const double location =
          std::log(mean_of(options, model) - 1) - options.sigma * options.sigma / 2;
      const double rate = std::exp(location + options.sigma * stream.normal(0));
      const int64_t drawn = 1 + poisson_quantile(std::min(rate, kLargestRate), stream.uniform(1));
      return std::clamp(drawn, options.least, most);
    }
  }
  return model.passes;
}

void validate_draw(const DepthOptions& options, const ModelOptions& model) {
  const int64_t most = most_passes(options, model);
  require(options.least >= 1 && options.most >= 0, ExitCode::kUsage, "train.depth-least is ",
          options.least, " and train.depth-most ", options.most,
          "; a step runs at least 1 pass, and 0 as the most is model.passes");
  if (options.draw == DepthDraw::kFixed) return;
  require(options.least < most && most <= kMostDrawn, ExitCode::kUsage, "train.depth ",
          enum_name(options.draw), " draws from ", options.least, " to ", most,
          " passes; that must be an interval of 1 to ", kMostDrawn);
  require(0 < options.deep_share && options.deep_share < 1, ExitCode::kUsage,
          "train.deep-share is ", options.deep_share,
          "; it lies in (0, 1), else the depth is fixed");
  if (options.draw != DepthDraw::kPoissonLognormal) return;
  require(mean_of(options, model) > 1 && mean_of(options, model) <= static_cast<double>(most),
          ExitCode::kUsage, "train.depth-mean is ", mean_of(options, model),
          "; it must be above 1 and at most train.depth-most, ", most);
  require(0 <= options.sigma && options.sigma <= 4, ExitCode::kUsage, "train.depth-sigma is ",
          options.sigma, "; it must be from 0 to 4");
}

}  // namespace

void validate(const DepthOptions& options, const ModelOptions& model) {
  const bool plain = options.draw == DepthDraw::kFixed && options.graph_passes == 0;
  require(plain || loops(model.family), ExitCode::kUsage,
          "train.depth and train.graph-passes need passes; the ", enum_name(model.family),
          " family runs its layers once");
  validate_draw(options, model);
  require(0 <= options.delay_share && options.delay_share < 1, ExitCode::kUsage,
          "train.delay-share is ", options.delay_share, "; it lies in [0, 1)");
  require(options.graph_passes >= 0, ExitCode::kUsage, "train.graph-passes is negative");
  const bool always_truncated = options.draw == DepthDraw::kFixed && options.delay_share == 0 &&
                                0 < options.graph_passes && options.graph_passes < model.passes;
  const bool read_later = model.skips || model.reinjection != Reinjection::kNone;
  require(!always_truncated || model.prelude == 0 || read_later, ExitCode::kUsage,
          "train.graph-passes ", options.graph_passes, " of ", model.passes,
          " passes never trains the layers of model.prelude; draw the depth, delay recurrence or "
          "set model.prelude 0 or model.reinjection");
}

int64_t most_passes(const DepthOptions& options, const ModelOptions& model) {
  if (options.draw == DepthDraw::kFixed) return model.passes;
  if (options.most > 0) return options.most;
  return options.draw == DepthDraw::kPoissonLognormal ? 3 * model.passes : model.passes;
}

StepDepth depth_of_step(const DepthOptions& options, const ModelOptions& model, uint64_t seed,
                        const StepOf& at) {
  const bool delayed = at.progress() < options.delay_share;
  const RandomStream stream(seed, Purpose::kDepth, static_cast<uint32_t>(at.step));
  StepDepth depth;
  depth.passes = delayed ? 1 : draw(options, model, stream);
  depth.graph_passes =
      options.graph_passes > 0 ? std::min(options.graph_passes, depth.passes) : depth.passes;
  depth.refines = !delayed;
  return depth;
}

int64_t poisson_quantile(double mean, double uniform) {
  double probability = std::exp(-mean), cumulative = probability;
  int64_t k = 0;
  // The sum of rounded probabilities may stay below a `uniform` next to 1; they then fall to 0.
  while (cumulative <= uniform && (probability > 0)) {
    probability *= mean / static_cast<double>(++k);
    cumulative += probability;
  }
  return k;
}

}  // namespace reprise
