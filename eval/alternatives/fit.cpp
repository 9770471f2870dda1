#include "eval/alternatives/fit.h"

#include <ATen/ATen.h>

#include <array>
#include <cmath>
#include <numbers>

#include "base/error.h"
#include "eval/alternatives/temperature.h"
#include "models/device.h"

namespace reprise {
namespace {

/// The predictions that share a temperature.
enum Group : size_t { kEvery, kPicked, kOthers, kGroups };

/// Nats, slope and curvature of the group's scale; how many predictions.
constexpr size_t kPerGroup = 4;

void require_finite(double nats) {
  require(std::isfinite(nats), ExitCode::kBadInput,
          "the artifact's predictions of the valid split are not finite numbers");
}

/// The scales of the rows, by what `of` says of picked ones and others.
std::vector<double> row_scales(std::span<const uint8_t> picked, double of_picked,
                               double of_others) {
  std::vector<double> scales;
  for (const uint8_t p : picked) scales.push_back(p ? of_picked : of_others);
  return scales;
}

void add_rows(const ScaleDerivatives& rows, std::span<const uint8_t> picked,
              const std::array<size_t, 2>& groups, std::span<double> sums) {
  for (size_t n = 0; n < picked.size(); ++n) {
    double* group = &sums[groups[picked[n]] * kPerGroup];
    group[0] += rows.nats[n];
    group[1] += rows.slope[n];
    group[2] += rows.curvature[n];
    group[3] += 1;
  }
}

class TemperatureFit {
 public:
  TemperatureFit(const FitSample& sample, size_t state) : sample_(sample), state_(state) {
    take(before_ = sums());
    require_finite(before_[0]);
    while (!done()) take(sums());
    after_ = sums();
  }

  FittedChange global() const {
    const double scale = searches_[kEvery].scale();
    return {{scale, scale, {}}, mean(before_[0]), mean(after_[0])};
  }
  FittedChange by_gate() const {
    return {{searches_[kOthers].scale(), searches_[kPicked].scale(), {}},
            mean(before_[0]),
            mean(after_[kPicked * kPerGroup] + after_[kOthers * kPerGroup])};
  }

 private:
  std::vector<double> sums() const {
    return sample_.sum(state_, kGroups * kPerGroup, [&](const FitBlock& block, auto sums) {
      const auto& s = searches_;
      const auto at = [&](double of_picked, double of_others) {
        return scale_derivatives(block.logits_NV, block.targets_N,
                                 row_scales(block.picked, of_picked, of_others));
      };
      add_rows(at(s[kEvery].scale(), s[kEvery].scale()), block.picked, {kEvery, kEvery}, sums);
      add_rows(at(s[kPicked].scale(), s[kOthers].scale()), block.picked, {kOthers, kPicked}, sums);
    });
  }
  /// An empty group keeps its scale of 1: its slope is 0.
  void take(const std::vector<double>& sums) {
    for (size_t g = 0; g < kGroups; ++g)
      if (!searches_[g].done()) searches_[g].take(sums[g * kPerGroup + 1], sums[g * kPerGroup + 2]);
  }
  bool done() const {
    for (const ScaleSearch& search : searches_)
      if (!search.done()) return false;
    return true;
  }
  double mean(double nats) const { return nats / static_cast<double>(sample_.tokens()); }

  const FitSample& sample_;
  size_t state_;
  std::array<ScaleSearch, kGroups> searches_;
  std::vector<double> before_, after_;
};

constexpr double kStep = 0.02;  // nats a token's bias moves by at most in the first steps
constexpr double kMeanDecay = 0.9, kSquareDecay = 0.999, kFloor = 1e-12;

/// Loss and gradient of scale and biases: nats, d scale, d bias[V].
void add_gradient(const FitBlock& block, const at::Tensor& bias_V, double scale,
                  std::span<double> sums) {
  const at::Device device = block.logits_NV.device();
  const at::Tensor own_N1 = moved_to(device, block.targets_N).unsqueeze(1);
  const at::Tensor log_p_NV =
      at::log_softmax(block.logits_NV * scale + moved_to(device, bias_V), 1);
  const at::Tensor log_own_N = log_p_NV.gather(1, own_N1).squeeze(1).cpu().contiguous();
  at::Tensor slope_NV = log_p_NV.exp();
  slope_NV.scatter_add_(1, own_N1, at::full_like(own_N1, -1, at::kDouble));
  const at::Tensor by_scale_N = (slope_NV * block.logits_NV).sum(1).cpu().contiguous();
  const at::Tensor by_bias_V = slope_NV.sum(0).cpu().contiguous();
  for (int64_t n = 0; n < log_own_N.numel(); ++n) {
    sums[0] -= log_own_N.const_data_ptr<double>()[n];
    sums[1] += by_scale_N.const_data_ptr<double>()[n];
  }
  for (int64_t v = 0; v < by_bias_V.numel(); ++v)
    sums[static_cast<size_t>(v) + 2] += by_bias_V.const_data_ptr<double>()[v];
}

/// Parameters: the scale, then the biases.
class Adam {
 public:
  explicit Adam(size_t parameters) : mean_(parameters, 0), square_(parameters, 0) {}

  void step(std::vector<double>& parameters, std::span<const double> gradient, double size) {
    ++steps_;
    const double mean_share = 1 - std::pow(kMeanDecay, steps_),
                 square_share = 1 - std::pow(kSquareDecay, steps_);
    for (size_t i = 0; i < parameters.size(); ++i) {
      mean_[i] = kMeanDecay * mean_[i] + (1 - kMeanDecay) * gradient[i];
      square_[i] = kSquareDecay * square_[i] + (1 - kSquareDecay) * gradient[i] * gradient[i];
      parameters[i] -=
          size * (mean_[i] / mean_share) / (std::sqrt(square_[i] / square_share) + kFloor);
    }
  }

 private:
  std::vector<double> mean_, square_;
  double steps_ = 0;
};

struct BestReadout {
  std::vector<double> parameters;
  double nats = 0, objective = 0;  ///< a prediction; the latter with what the prior adds
  int64_t step = 0;
};

at::Tensor bias_of(const std::vector<double>& parameters) {
  return at::tensor(std::vector<double>(parameters.begin() + 1, parameters.end()), at::kDouble);
}

/// What the prior on the biases adds to the objective, and to `gradient`, those of the parameters.
double add_prior(const std::vector<double>& parameters, double precision,
                 std::span<double> gradient) {
  double squares = 0;
  for (size_t i = 1; i < parameters.size(); ++i) {
    squares += parameters[i] * parameters[i];
    gradient[i] += precision * parameters[i];
  }
  return precision * squares / 2;
}

BestReadout fit_readout(const FitSample& sample, size_t state, double scale,
                        const ReadoutFit& options) {
  std::vector<double> parameters(static_cast<size_t>(sample.vocab()) + 1, 0);
  parameters[0] = scale;
  Adam adam(parameters.size());
  BestReadout best;
  const auto steps = static_cast<double>(options.steps),
             tokens = static_cast<double>(sample.tokens());
  const double precision = 1 / (options.prior_nats * options.prior_nats * tokens);
  for (int64_t step = 0; step <= options.steps; ++step) {
    const at::Tensor bias_V = bias_of(parameters);
    std::vector<double> sums =
        sample.sum(state, parameters.size() + 1, [&](const FitBlock& block, auto into) {
          add_gradient(block, bias_V, parameters[0], into);
        });
    for (double& sum : sums) sum /= tokens;
    const std::span gradient = std::span(sums).subspan(1);
    const double objective = sums[0] + add_prior(parameters, precision, gradient);
    if (step == 0 || objective < best.objective) best = {parameters, sums[0], objective, step};
    const double falling = (1 + std::cos(std::numbers::pi * static_cast<double>(step) / steps)) / 2;
    adam.step(parameters, gradient, kStep * falling);
  }
  return best;
}

}  // namespace

FittedState fit_state(const FitSample& sample, size_t state, const ReadoutFit& options) {
  const TemperatureFit temperatures(sample, state);
  FittedState fitted;
  fitted.temperature = temperatures.global();
  fitted.by_gate = temperatures.by_gate();
  const double scale = fitted.temperature.change.scale;
  const BestReadout readout = fit_readout(sample, state, scale, options);
  fitted.readout = {{readout.parameters[0], readout.parameters[0], bias_of(readout.parameters)},
                    fitted.temperature.nats_before,
                    readout.nats};
  fitted.best_step = readout.step;
  return fitted;
}

double mean_nats(const FitSample& sample, size_t state) {
  const auto sums = sample.sum(state, 1, [](const FitBlock& block, auto into) {
    for (const double log_p : target_log_probabilities(block.logits_NV, block.targets_N))
      into[0] -= log_p;
  });
  require_finite(sums[0]);
  return sums[0] / static_cast<double>(sample.tokens());
}

}  // namespace reprise
