#include "train/trainer.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "train/batch_share.h"
#include "train/start.h"

namespace reprise {

/// Over the tokens of one rank, or of all; flat, so that one all-reduce takes it.
struct Trainer::Sums {
  double objective() const { return values[0]; }
  /// Nats per token of part `i`; 0 where it had no token.
  double part(size_t i) const { return values[1 + 2 * i] / std::max(1.0, values[2 + 2 * i]); }
  double gradient_norm() const { return values.back(); }

  std::vector<double> values;
};

/// The sums of one rank while its micro-batches run. Nats stay on the device until the step's end:
/// reading one makes the host wait for everything before it.
class Trainer::RunningSums {
 public:
  RunningSums(size_t parts, at::Device device)
      : nats_(at::zeros({static_cast<int64_t>(1 + parts)},
                        at::TensorOptions(device).dtype(at::kDouble))),
        tokens_(parts) {}

  void add(const Loss& loss) {
    std::vector<at::Tensor> nats{loss.nats.detach().to(at::kDouble)};
    size_t i = 0;
    for (const auto* parts : {&loss.parts, &loss.measures})
      for (const LossPart& part : *parts) {
        nats.push_back(part.nats);
        tokens_[i++] += part.tokens;
      }
    nats_.add_(at::stack(nats));
  }

  Sums read() const {
    const at::Tensor host = nats_.cpu();
    const double* nats = host.const_data_ptr<double>();
    Sums sums{{nats[0]}};
    for (size_t i = 0; i < tokens_.size(); ++i) {
      sums.values.push_back(nats[1 + i]);
      sums.values.push_back(static_cast<double>(tokens_[i]));
    }
    return sums;
  }

 private:
  at::Tensor nats_;  ///< of the objective, then of every part and measure
  std::vector<int64_t> tokens_;
};

namespace {

/// What this rank adds to the ranks' sum for all to see rank 0's norm: other ranks may round theirs
/// differently, where they run other numbers of threads, and clipping by it would part their
/// weights.
double norm_to_add(double norm, const Communicator& comm) {
  return comm.rank() == 0 || !std::isfinite(norm) ? norm : 0;
}

std::vector<int> owners_of(const OptimiserOptions& options, const std::vector<Parameter>& all,
                           const Communicator& comm) {
  return options.shard ? plan_owners(options, all, comm.size()) : std::vector<int>();
}

std::vector<Parameter> owned_by(int rank, const std::vector<int>& owner_of,
                                const std::vector<Parameter>& all) {
  if (owner_of.empty()) return all;
  std::vector<Parameter> owned;
  for (size_t i = 0; i < all.size(); ++i)
    if (owner_of[i] == rank) owned.push_back(all[i]);
  return owned;
}

}  // namespace

Trainer::Trainer(const ModelOptions& model, const TrainOptions& options, Communicator& comm,
                 at::Device device)
    : model_(model),
      options_(options),
      comm_(comm),
      device_(device),
      compute_(compute_type(options.precision)),
      parameters_(model, static_cast<uint64_t>(options.seed), device),
      objective_(make_objective(options.objective, model, static_cast<uint64_t>(options.seed))),
      owner_of_(owners_of(options.optimiser, parameters_.list(), comm)),
      mine_(owned_by(comm.rank(), owner_of_, parameters_.list())),
      optimiser_(options.optimiser, mine_, compute_),
      average_(options.optimiser.ema, mine_),
      gradients_(parameters_.list()),
      transport_(make_transport(gradients_.device(), comm)),
      reducer_(make_reducer(gradients_, transport_)),
      hooks_(parameters_.list(), *reducer_),
      gather_(parameters_.list(), owner_of_, comm.rank()) {}

void Trainer::start_from(const ModelFile& file) {
  reprise::start_from(file, model_, parameters_, comm_);
}

StepReport Trainer::step(int64_t step, const BatchSource& batches) {
  const StepOf at{step, options_.steps};
  const RunningSums running = run_passes(step, batches, Backward::kLast);
  reducer_->finalize();
  const at::Tensor gradient_norm = gradients_.norm();
  reducer_->await();
  Sums mine = running.read();
  mine.values.push_back(norm_to_add(gradient_norm.item<double>(), comm_));
  Sums all = mine;
  comm_.all_reduce(Buffer::of(all.values.data(), static_cast<int64_t>(all.values.size())),
                   Reduction::kSum);

  StepReport report;
  report.loss = all.objective() / static_cast<double>(tokens_per_step());
  const auto names = objective_->parts(at);
  for (size_t i = 0; i < names.size(); ++i) report.parts.emplace_back(names[i], all.part(i));
  for (const auto& name : objective_->measures())
    report.measures.emplace_back(name, all.part(names.size() + report.measures.size()));
  report.passes = objective_->depth(at).passes;
  report.rate_factor = rate_factor(options_.schedule, at);
  report.gradient_norm = all.gradient_norm();
  report.fault = find_fault(mine, all, step, batches);
  if (report.fault.empty()) update(at, report);
  return report;
}

void Trainer::update(StepOf at, const StepReport& report) {
  const double factor = clip_factor(report.gradient_norm, options_.optimiser.clip_norm);
  if (factor < 1) gradients_.scale(factor);
  optimiser_.step({at.step, report.rate_factor, muon_momentum(options_.schedule, at),
                   mixing_learns(options_.schedule, at)});
  average_.update(at.step);
  gather_weights();
}

void Trainer::finish() {
  average_.install();
  gather_weights();
}

void Trainer::gather_weights() {
  if (!owner_of_.empty() && transport_) gather_.run(*transport_);
}

Trainer::RunningSums Trainer::run_passes(int64_t step, const BatchSource& batches, Backward last) {
  const StepOf at{step, options_.steps};
  const BatchShare share = share_of(options_.sequences, comm_.rank(), comm_.size());
  const int64_t at_once =
      options_.micro_sequences > 0 ? options_.micro_sequences : std::max<int64_t>(share.count, 1);
  RunningSums sums(objective_->parts(at).size() + objective_->measures().size(), device_);
  gradients_.zero();
  const Parameters seen = objective_->seen(parameters_, at);
  for (int64_t done = 0; done < share.count; done += at_once) {
    const int64_t count = std::min(at_once, share.count - done);
    const Batch batch =
        to_tensors(batches(step, share.first + done, count), share.first + done, device_);
    const Network network(model_, seen, compute_);
    const Loss loss = objective_->loss(network, parameters_, batch, at);
    hooks_.follow(done + count == share.count ? last : Backward::kPartial);
    (loss.nats / static_cast<double>(tokens_per_step())).backward();
    sums.add(loss);
  }
  return sums;
}

std::string Trainer::find_fault(const Sums& mine, const Sums& all, int64_t step,
                                const BatchSource& batches) {
  if (!std::isfinite(all.objective())) {
    const std::string ranks = ranks_where(!std::isfinite(mine.objective()), comm_);
    return ranks.empty() ? "the sum of the ranks' losses" : concat("the loss on rank ", ranks);
  }
  if (std::isfinite(all.gradient_norm())) return "";
  // The reduction has overwritten what each rank brought to it: a second backward pass tells.
  run_passes(step, batches, Backward::kPartial);
  const bool mine_is_finite = std::isfinite(gradients_.norm().item<double>());
  const std::string ranks = ranks_where(!mine_is_finite, comm_);
  return ranks.empty() ? "the sum of the ranks' gradients" : concat("a gradient on rank ", ranks);
}

StateShare Trainer::state() const {
  StateShare state;
  for (const auto& parameter : parameters_.list())
    state.common.push_back({concat("weight.", parameter.name), parameter.tensor.detach()});
  auto& updated = owner_of_.empty() ? state.common : state.mine;
  for (auto more : {optimiser_.state(), average_.state()})
    updated.insert(updated.end(), std::make_move_iterator(more.begin()),
                   std::make_move_iterator(more.end()));
  for (size_t i = 0; i < owner_of_.size(); ++i)
    if (owner_of_[i] != comm_.rank())
      std::ranges::move(state_names(options_.optimiser, parameters_.list()[i]),
                        std::back_inserter(state.elsewhere));
  return state;
}

double Trainer::flops_per_step(int64_t step) const {
  return objective_->flops_per_token({step, options_.steps}) *
         static_cast<double>(tokens_per_step());
}

}  // namespace reprise
