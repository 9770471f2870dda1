#include "train/gate/trainer.h"

#include <ATen/ATen.h>

#include <array>
#include <cmath>
#include <iterator>

#include "train/batch_share.h"
#include "train/gate/losses.h"
#include "train/schedule.h"

namespace reprise {

/// Over the tokens of one rank, or of all; flat, so that one all-reduce takes it.
struct GateTrainer::Sums {
  enum { kLoss, kLabels, kOpen, kGain, kModel, kTokens, kCount };
  double mean(int of) const { return values[of] / values[kTokens]; }
  bool finite(int of) const { return std::isfinite(values[of]); }
  void reduce(Communicator& comm) {
    comm.all_reduce(Buffer::of(values.data(), kCount), Reduction::kSum);
  }
  std::array<double, kCount> values{};
};

namespace {

double sum_of(const at::Tensor& values) { return values.sum(at::kDouble).item<double>(); }

}  // namespace

GateTrainer::GateTrainer(const GateOptions& options, int64_t width, Communicator& comm,
                         at::Device device)
    : options_(options),
      comm_(comm),
      head_(options.head, gate_inputs(options.head, width), static_cast<uint64_t>(options.seed),
            device, at::kDouble),
      weights_(with_role(head_.list(), Role::kMatrix), {}),
      biases_(with_role(head_.list(), Role::kScalar), {}),
      gradients_(head_.list()),
      reducer_(make_reducer(gradients_, comm)),
      positive_share_(at::zeros({1}, at::kDouble)),
      multiplier_(at::zeros({1}, at::kDouble)) {}

void GateTrainer::balance(const SampleSource& samples) {
  double share = options_.objective.positive_share;
  if (share == 0) {
    const BatchShare mine = share_of(options_.sequences, comm_.rank(), comm_.size());
    Sums sums;
    if (mine.count > 0) {
      const at::Tensor label_BT =
          training_labels(options_.objective, samples(0, mine.first, mine.count));
      sums.values[Sums::kLabels] = sum_of(label_BT);
      sums.values[Sums::kTokens] = static_cast<double>(label_BT.numel());
    }
    sums.reduce(comm_);
    share = sums.mean(Sums::kLabels);
    const bool weighs = options_.objective.target != GateTarget::kRegression;
    require(!weighs || (0 < share && share < 1), ExitCode::kUsage, share == 0 ? "none" : "each",
            " of the ", sums.values[Sums::kTokens], " tokens of the first batch is a positive of ",
            enum_name(options_.objective.target), " at gate.delta ", options_.objective.delta,
            ": there is nothing to tell apart; give another gate.delta or gate.target, or "
            "--gate.positive-share and more text");
  }
  positive_share_.fill_(share);
}

GateReport GateTrainer::step(int64_t step, const SampleSource& samples) {
  const Sums mine = run(step, samples);
  reducer_->finalize();
  const at::Tensor gradient_norm = gradients_.norm();
  reducer_->await();
  Sums all = mine;
  all.reduce(comm_);

  GateReport report;
  report.loss = all.mean(Sums::kLoss);
  report.label_share = all.mean(Sums::kLabels);
  report.open_share = all.mean(Sums::kOpen);
  report.gain_nats = all.mean(Sums::kGain);
  report.multiplier = multiplier();
  report.gradient_norm = gradient_norm.item<double>();
  report.rate_factor = rate_factor({.warm_down = options_.warm_down}, {step, options_.steps});
  report.fault = find_fault(mine, all);
  if (report.fault.empty() && any_rank(comm_, !std::isfinite(report.gradient_norm)))
    report.fault = "the sum of the ranks' gradients";
  if (report.fault.empty()) update(step, report);
  return report;
}

GateTrainer::Sums GateTrainer::run(int64_t step, const SampleSource& samples) {
  gradients_.zero();
  Sums sums;
  const BatchShare share = share_of(options_.sequences, comm_.rank(), comm_.size());
  if (share.count == 0) return sums;
  const GateSamples batch = samples(step % options_.distinct_batches(), share.first, share.count);
  const at::Tensor scores_BT = head_.scores(batch.inputs_of(options_.head));
  const GateLoss loss = gate_loss(options_.objective, {positive_share(), multiplier()}, batch,
                                  scores_BT, {static_cast<uint64_t>(options_.seed), step});
  (loss.sum / tokens_of(batch)).backward();
  sums.values = {loss.sum.item<double>(),
                 sum_of(loss.label_BT),
                 sum_of(loss.open_BT),
                 sum_of(batch.first_BT) - sum_of(batch.second_BT),
                 sum_of(batch.first_BT) + sum_of(batch.best_BT),
                 static_cast<double>(batch.first_BT.numel())};
  return sums;
}

double GateTrainer::tokens_of(const GateSamples& samples) const {
  return static_cast<double>(options_.sequences * samples.first_BT.size(1));
}

std::string GateTrainer::find_fault(const Sums& mine, const Sums& all) {
  // A label compares, and a comparison with no number gives 0: the loss alone would not tell.
  for (const auto& [of, what] : {std::pair{int{Sums::kModel}, "the model's loss"},
                                 {int{Sums::kGain}, "the model's loss"},
                                 {int{Sums::kLoss}, "the loss of the head"}}) {
    if (all.finite(of)) continue;
    const std::string ranks = ranks_where(!mine.finite(of), comm_);
    return ranks.empty() ? "the sum of the ranks' losses" : concat(what, " on rank ", ranks);
  }
  return "";
}

void GateTrainer::update(int64_t step, const GateReport& report) {
  const double rate = options_.rate * report.rate_factor;
  weights_.step({step, rate, options_.weight_decay});
  biases_.step({step, rate, 0});
  if (options_.objective.budget == GateBudget::kDual)
    multiplier_.fill_(next_multiplier(report.multiplier, report.open_share,
                                      options_.objective.target_share,
                                      options_.objective.dual_rate));
}

StateShare GateTrainer::state() const {
  StateShare state;
  for (const auto& parameter : head_.list())
    state.common.push_back({concat("weight.", parameter.name), parameter.tensor.detach()});
  for (auto more : {weights_.state(), biases_.state()})
    state.common.insert(state.common.end(), std::make_move_iterator(more.begin()),
                        std::make_move_iterator(more.end()));
  state.common.push_back({"gate.positive_share", positive_share_});
  state.common.push_back({"gate.multiplier", multiplier_});
  return state;
}

}  // namespace reprise
