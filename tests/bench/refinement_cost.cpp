// What a second look costs: a refinement pass over a share of the tokens, as a share of a dense
// pass over all of them, by rule, width, context and precision; and reading a text with a tenth of
// it refined against running the pass everywhere. Every ratio is of two times taken one behind the
// other; printed are medians of the rounds, as JSON. Asserts nothing.
//
//   refinement_cost THREADS ROUNDS              all of that
//   refinement_cost THREADS ROUNDS PRECISION    fp32 or bf16: tokens per second of a text with a
//                                               tenth refined, and what signals add to a base
//                                               pass; width 256, context 512
//
// A pass is core (three layers) and coda (one), head and predictions. The model has no prelude and
// one base pass, so that its base passes are one dense pass. Picked rows are those of largest
// entropy, as a gate picks them: unevenly.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/random.h"
#include "base/stopwatch.h"
#include "eval/predictions.h"
#include "eval/signals.h"
#include "models/network.h"
#include "models/parameters.h"

namespace reprise {
namespace {

constexpr int64_t kTokens = 4096;
constexpr std::array kShares{0.01, 0.05, 0.1, 0.2, 0.5, 1.0};

struct Setting {
  int64_t width, context;
  at::ScalarType type;
};

ModelOptions model_of(const Setting& setting) {
  ModelOptions options;
  options.family = Family::kRecurrent;
  options.vocab = 1024;
  options.width = setting.width;
  options.heads = setting.width / 64;
  options.kv_heads = options.heads / 2;
  options.prelude = 0;
  options.core = 3;
  options.coda = 1;
  options.passes = 1;
  options.context = setting.context;
  return options;
}

/// Outputs are zero in a fresh model: weights as large as training leaves them.
Parameters some_parameters(const ModelOptions& options) {
  Parameters parameters(options, 1);
  for (const Parameter& parameter : parameters.list())
    if (parameter.role == Role::kMatrix)
      parameters.assign(parameter.name, 0.05 * at::randn(parameter.tensor.sizes()));
  return parameters;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

double seconds_of(const std::function<void()>& work) {
  const Stopwatch watch;
  work();
  return watch.seconds();
}

class Bench {
 public:
  Bench(const Setting& setting, int64_t rounds)
      : setting_(setting),
        options_(model_of(setting)),
        network_(options_, some_parameters(options_), setting.type),
        rounds_(rounds),
        tokens_BT_(at::randint(options_.vocab, {kTokens / setting.context, setting.context})),
        targets_N_(at::randint(options_.vocab, {kTokens})) {
    base_ = network_.base_passes(tokens_BT_, {.keys = true});
    const Predictions coarse = predict_all(base_);
    entropy_N_ = at::tensor(coarse.entropy);
  }

  nlohmann::json measure() {
    nlohmann::json shares;
    for (const auto& [rule, name] : EnumNames<KeyRule>::names) {
      nlohmann::json of_rule;
      for (const double share : kShares)
        if (is_measured(rule, share)) of_rule[number(share)] = share_of_dense(rule, share);
      shares[std::string(name)] = of_rule;
    }
    return {{"width", setting_.width},
            {"context", setting_.context},
            {"precision", setting_.type == at::kBFloat16 ? "bf16" : "fp32"},
            {"dense_pass_s", median(dense_s_)},
            {"share_of_dense_pass", shares},
            {"two_dense_passes_over_a_tenth_refined", two_passes_over_tenth()}};
  }

  /// Of base passes and the refinement of a tenth, predictions of both included.
  nlohmann::json tokens_per_s() {
    nlohmann::json by_rule;
    const at::Tensor rows_M = rows_of(0.1);
    for (const KeyRule rule : {KeyRule::kCoarse, KeyRule::kLatest}) {
      std::vector<double> seconds;
      for (int64_t round = 0; round <= rounds_; ++round)  // the first warms up
        seconds.push_back(seconds_of([&] {
          dense_pass();
          refine(rows_M, rule);
        }));
      seconds.erase(seconds.begin());
      by_rule[std::string(enum_name(rule))] = kTokens / median(seconds);
    }
    return by_rule;
  }

  /// What a gate adds to the base pass it looks at: entropy, margin and largest probability, by
  /// predictions against none but the targets' likelihoods; comparisons of states; and all that a
  /// trace records beside predictions. Of that, the part which no way of reading logits saves: two
  /// readouts of an earlier state, and their logits.
  nlohmann::json signals_over_dense() {
    const BasePasses base = network_.base_passes(tokens_BT_, {.keys = true, .trail = true});
    const auto state = [&](size_t step) { return base.trail[step].hidden_MD; };
    const at::Tensor rows_N = at::arange(kTokens), targets_BT = targets_N_.view_as(tokens_BT_);
    const auto predictions = [&] { predict_all(base); };
    const auto likelihoods = [&] { network_.cross_entropy(base.features_BTD, targets_BT); };
    const auto all = [&] { observe(network_, base, rows_N, targets_N_); };
    const auto readouts = [&] {
      for (const at::Tensor& readout_BTD :
           {network_.readout_before(base), network_.early_readout_before(base)})
        for (const at::Tensor& features_TD : readout_BTD.unbind(0)) network_.logits(features_TD);
    };
    return {{"entropy", over_dense(predictions, likelihoods)},
            {"states", over_dense([&] { state_signals(state(0), state(1), state(2)); })},
            {"all_that_a_trace_records", over_dense(all, predictions)},
            {"readouts_of_an_earlier_state", over_dense(readouts)}};
  }

 private:
  /// The other rules at a tenth and at all alone.
  static bool is_measured(KeyRule rule, double share) {
    return rule == KeyRule::kCoarse || rule == KeyRule::kLatest || share == 0.1 || share == 1;
  }
  static std::string number(double share) { return nlohmann::json(share).dump(); }

  Predictions predict_all(const BasePasses& base) const {
    return predict(network_, base.features_BTD.flatten(0, 1), targets_N_);
  }
  void dense_pass() const { predict_all(network_.base_passes(tokens_BT_, {.keys = true})); }

  using Work = std::function<void()>;
  /// Seconds of `work` beyond those of `without`, over a dense pass: the three taken in turn.
  double over_dense(
      const Work& work, const Work& without = [] {}) const {
    std::vector<double> ratios;
    work();
    for (int64_t round = 0; round < rounds_; ++round) {
      const double dense_s = seconds_of([&] { dense_pass(); }), without_s = seconds_of(without);
      ratios.push_back((seconds_of(work) - without_s) / dense_s);
    }
    return median(ratios);
  }

  at::Tensor rows_of(double share) const {
    const auto count = static_cast<int64_t>(share * kTokens);
    return std::get<0>(std::get<1>(entropy_N_.topk(count)).sort());
  }
  void refine(const at::Tensor& rows_M, KeyRule rule) const {
    predict(network_, network_.refine_rows(base_, rows_M, rule),
            targets_N_.index_select(0, rows_M));
  }

  double share_of_dense(KeyRule rule, double share) {
    const at::Tensor rows_M = rows_of(share);
    std::vector<double> ratios;
    refine(rows_M, rule);
    for (int64_t round = 0; round < rounds_; ++round) {
      dense_s_.push_back(seconds_of([&] { dense_pass(); }));
      ratios.push_back(seconds_of([&] { refine(rows_M, rule); }) / dense_s_.back());
    }
    return median(ratios);
  }

  /// Seconds of base passes and a pass over everything, over those of base passes and a tenth.
  nlohmann::json two_passes_over_tenth() {
    nlohmann::json by_rule;
    const at::Tensor rows_M = rows_of(0.1);
    for (const KeyRule rule : {KeyRule::kCoarse, KeyRule::kLatest}) {
      std::vector<double> ratios;
      for (int64_t round = 0; round < rounds_; ++round) {
        const double twice = seconds_of([&] {
          dense_pass();
          predict(network_, network_.refine_all(base_, KeyRule::kLatest).flatten(0, 1), targets_N_);
        });
        ratios.push_back(twice / seconds_of([&] {
                           dense_pass();
                           refine(rows_M, rule);
                         }));
      }
      by_rule[std::string(enum_name(rule))] = median(ratios);
    }
    return by_rule;
  }

  const at::NoGradGuard no_grad_;
  Setting setting_;
  ModelOptions options_;
  Network network_;
  int64_t rounds_;
  at::Tensor tokens_BT_, targets_N_, entropy_N_;
  BasePasses base_;
  std::vector<double> dense_s_;
};

int run(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: refinement_cost THREADS ROUNDS [PRECISION]\n";
    return 2;
  }
  const int threads = std::stoi(argv[1]);
  const int64_t rounds = std::stoi(argv[2]);
  at::set_num_threads(threads);
  if (argc > 3) {
    const auto type = std::string(argv[3]) == "bf16" ? at::kBFloat16 : at::kFloat;
    Bench bench({256, 512, type}, rounds);
    nlohmann::json figures = bench.tokens_per_s();
    figures["signals_over_dense_pass"] = bench.signals_over_dense();
    std::cout << figures.dump() << '\n';
    return 0;
  }
  nlohmann::json settings;
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16})
    for (const int64_t width : {256, 512})
      for (const int64_t context : {512, 1024}) {
        settings.push_back(Bench({width, context, type}, rounds).measure());
        std::cerr << settings.back().dump() << '\n';
      }
  std::cout << nlohmann::json{{"threads", threads},
                              {"rounds", rounds},
                              {"tokens", kTokens},
                              {"settings", settings}}
                   .dump()
            << '\n';
  return 0;
}

}  // namespace
}  // namespace reprise

int main(int argc, char** argv) { return reprise::run(argc, argv); }
