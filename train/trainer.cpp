#include "train/trainer.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "models/device.h"

namespace reprise {

/// Over the tokens of one rank, or of all; flat, so that one all-reduce takes it.
struct Trainer::Sums {
  double objective() const { return values[0]; }
  /// Nats per token of part `i`; 0 where it had no token.
  double part(size_t i) const { return values[1 + 2 * i] / std::max(1.0, values[2 + 2 * i]); }

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
    for (size_t i = 0; i < loss.parts.size(); ++i) {
      nats.push_back(loss.parts[i].nats);
      tokens_[i] += loss.parts[i].tokens;
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
  at::Tensor nats_;  ///< of the objective and of every part
  std::vector<int64_t> tokens_;
};

namespace {

struct Share {
  int64_t first = 0, count = 0;
};

/// Ranks take neighbouring sequences, as evenly as they divide; some may have none.
Share share_of(int64_t sequences, const Communicator& comm) {
  const int64_t first = sequences * comm.rank() / comm.size();
  return {first, sequences * (comm.rank() + 1) / comm.size() - first};
}

Batch to_tensors(const TokenBatch& tokens, at::Device device) {
  const auto copy = [&](const std::vector<int64_t>& ids) {
    return moved_to(device, at::tensor(ids, at::kLong).view({tokens.sequences, tokens.length}));
  };
  return {copy(tokens.inputs), copy(tokens.targets)};
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
      objective_(make_objective(options.objective, model)),
      optimiser_(options.optimiser, parameters_.list(), compute_),
      gradients_(parameters_.list()),
      reducer_(make_reducer(gradients_, comm)),
      hooks_(parameters_.list(), *reducer_) {}

StepReport Trainer::step(int64_t step, const BatchSource& batches) {
  const StepOf at{step, options_.steps};
  const RunningSums running = run_passes(step, batches);
  const at::Tensor gradient_norm = gradients_.norm();
  reducer_->await();
  const Sums mine = running.read();
  Sums all = mine;
  comm_.all_reduce(Buffer::of(all.values.data(), static_cast<int64_t>(all.values.size())),
                   Reduction::kSum);

  StepReport report;
  report.loss = all.objective() / static_cast<double>(tokens_per_step());
  const auto names = objective_->parts(at.progress());
  for (size_t i = 0; i < names.size(); ++i) report.parts.emplace_back(names[i], all.part(i));
  report.rate_factor = rate_factor(options_.schedule, at);
  report.gradient_norm = gradient_norm.item<double>();
  report.fault = find_fault(mine, all, report.gradient_norm);
  if (report.fault.empty())
    optimiser_.step({step, report.rate_factor, muon_momentum(options_.schedule, at)});
  return report;
}

Trainer::RunningSums Trainer::run_passes(int64_t step, const BatchSource& batches) {
  const double progress = StepOf{step, options_.steps}.progress();
  const Share share = share_of(options_.sequences, comm_);
  const int64_t at_once =
      options_.micro_sequences > 0 ? options_.micro_sequences : std::max<int64_t>(share.count, 1);
  RunningSums sums(objective_->parts(progress).size(), device_);
  gradients_.zero();
  for (int64_t done = 0; done < share.count; done += at_once) {
    const int64_t count = std::min(at_once, share.count - done);
    const Batch batch = to_tensors(batches(step, share.first + done, count), device_);
    const Network network(model_, parameters_, compute_);
    const Loss loss = objective_->loss(network, batch, progress);
    hooks_.follow(done + count == share.count ? Backward::kLast : Backward::kPartial);
    (loss.nats / static_cast<double>(tokens_per_step())).backward();
    sums.add(loss);
  }
  reducer_->finalize();
  return sums;
}

std::string Trainer::find_fault(const Sums& mine, const Sums& all, double gradient_norm) {
  if (!std::isfinite(all.objective())) {
    std::string ranks;
    const bool healthy = std::isfinite(mine.objective());
    for (const auto& name : gather_texts(comm_, healthy ? "" : concat(comm_.rank())))
      if (!name.empty()) ranks += concat(ranks.empty() ? "" : ", ", name);
    return ranks.empty() ? "the sum of the ranks' losses" : concat("the loss on rank ", ranks);
  }
  // Behind the reduction the gradients of all ranks are the same, and so is what they find here.
  return std::isfinite(gradient_norm) ? "" : "a gradient";
}

std::vector<NamedTensor> Trainer::state() const {
  std::vector<NamedTensor> tensors;
  for (const auto& parameter : parameters_.list())
    tensors.push_back({concat("weight.", parameter.name), parameter.tensor.detach()});
  auto more = optimiser_.state();
  tensors.insert(tensors.end(), std::make_move_iterator(more.begin()),
                 std::make_move_iterator(more.end()));
  return tensors;
}

double Trainer::flops_per_step(int64_t step) const {
  return objective_->flops_per_token(StepOf{step, options_.steps}.progress()) *
         static_cast<double>(tokens_per_step());
}

}  // namespace reprise
