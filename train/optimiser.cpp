#include "train/optimiser.h"

#include <algorithm>
#include <iterator>

namespace reprise {
namespace {

constexpr int64_t kMostIterations = 100;  // five are enough; a signal waits for a step's end

template <class Predicate>
std::vector<Parameter> those(const std::vector<Parameter>& parameters, Predicate holds) {
  std::vector<Parameter> chosen;
  std::ranges::copy_if(parameters, std::back_inserter(chosen), holds);
  return chosen;
}

bool is_mixing(const Parameter& parameter) { return parameter.name == "pass.mixing"; }

std::vector<Parameter> scalars_but_mixing(const std::vector<Parameter>& parameters) {
  return those(parameters,
               [](const Parameter& one) { return one.role == Role::kScalar && !is_mixing(one); });
}

std::vector<Parameter> matrices_for(MatrixOptimiser optimiser, const OptimiserOptions& options,
                                    const std::vector<Parameter>& parameters) {
  if (options.matrices != optimiser) return {};
  return with_role(parameters, Role::kMatrix);
}

AdamWOptions adamw_options(const OptimiserOptions& options) {
  return {options.beta1, options.beta2, options.epsilon};
}

}  // namespace

void validate(const OptimiserOptions& options) {
  require(options.matrix_rate >= 0 && options.embedding_rate >= 0 && options.scalar_rate >= 0,
          ExitCode::kUsage, "a learning rate is negative");
  require(options.weight_decay >= 0, ExitCode::kUsage, "train.weight-decay is negative");
  require(1 <= options.newton_schulz && options.newton_schulz <= kMostIterations, ExitCode::kUsage,
          "train.newton-schulz is ", options.newton_schulz, "; it must be from 1 to ",
          kMostIterations);
  const auto in_unit = [](double value) { return value >= 0 && value < 1; };
  require(in_unit(options.beta1) && in_unit(options.beta2), ExitCode::kUsage,
          "train.beta1 and train.beta2 lie in [0, 1)");
  require(options.epsilon > 0, ExitCode::kUsage, "train.epsilon is not positive");
  require(options.clip_norm >= 0, ExitCode::kUsage, "train.clip-norm is ", options.clip_norm,
          "; it must be positive, or 0 to clip nothing");
  require(in_unit(options.ema), ExitCode::kUsage, "train.ema is ", options.ema,
          "; it lies in [0, 1), and 0 averages nothing");
}

Optimiser::Optimiser(const OptimiserOptions& options, const std::vector<Parameter>& parameters,
                     at::ScalarType compute)
    : options_(options),
      muon_(matrices_for(MatrixOptimiser::kMuon, options, parameters), options.newton_schulz,
            compute),
      matrices_(matrices_for(MatrixOptimiser::kAdamW, options, parameters), adamw_options(options)),
      embeddings_(with_role(parameters, Role::kEmbedding), adamw_options(options)),
      scalars_(scalars_but_mixing(parameters), adamw_options(options)),
      mixing_(those(parameters, is_mixing), adamw_options(options)) {}

void Optimiser::step(const OptimiserStep& step) {
  const double matrix_rate = options_.matrix_rate * step.rate_factor;
  muon_.step({matrix_rate, step.momentum, options_.weight_decay});
  matrices_.step({step.step, matrix_rate, options_.weight_decay});
  embeddings_.step({step.step, options_.embedding_rate * step.rate_factor, 0});
  const double scalar_rate = options_.scalar_rate * step.rate_factor;
  scalars_.step({step.step, scalar_rate, 0});
  if (step.mixing_learns) mixing_.step({step.step, scalar_rate, 0});
}

std::vector<NamedTensor> Optimiser::state() const {
  std::vector<NamedTensor> all = muon_.state();
  for (const AdamW* part : {&matrices_, &embeddings_, &scalars_, &mixing_}) {
    auto tensors = part->state();
    all.insert(all.end(), std::make_move_iterator(tensors.begin()),
               std::make_move_iterator(tensors.end()));
  }
  return all;
}

}  // namespace reprise
