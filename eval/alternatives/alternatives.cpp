#include "eval/alternatives/alternatives.h"

#include <ATen/Parallel.h>

#include "base/error.h"
#include "eval/calibrate.h"
#include "eval/model.h"
#include "eval/start_device.h"
#include "models/device.h"

namespace reprise {
namespace {

/// Bytes of a number that was fitted, were it stored with the artifact: binary32.
constexpr int64_t kBytesOfNumber = 4;

WindowOptions windows_of(const ScoringOptions& scoring, const Artifact& artifact) {
  return unit_options(scoring, model_options(artifact)).windows;
}

void require_pair(const ScoredArtifact& first, const ScoredArtifact& second,
                  const ScoringOptions& scoring) {
  require(first.sha256 != second.sha256, ExitCode::kBadInput,
          "alternatives.second is the artifact itself; an ensemble wants another, as of another "
          "seed");
  require(first.artifact.tokenizer == second.artifact.tokenizer, ExitCode::kBadInput,
          "the two artifacts read tokens of different tokenizers, ",
          first.artifact.tokenizer.substr(0, 12), " and ", second.artifact.tokenizer.substr(0, 12),
          "; their predictions cannot be mixed");
  const WindowOptions own = windows_of(scoring, first.artifact),
                      other = windows_of(scoring, second.artifact);
  require(own.length == other.length && own.stride == other.stride, ExitCode::kBadInput,
          "the artifacts would be scored in windows of ", own.length, " and of ", other.length,
          " tokens; give --eval.window");
}

/// A static model looks again only where it was packed to.
void require_second_pass(const Artifact& artifact) {
  const ModelOptions model = model_options(artifact);
  require(loops(model.family) || artifact.gate.fraction > 0, ExitCode::kBadInput,
          "the artifact's layers run once (family ", enum_name(model.family),
          ") and it was packed without a gate: it cannot refine; pack it with pack.reapply");
}

void require_held_out(const GateRule& gate, const Corpus& corpus) {
  require(gate.fraction <= 0 || gate.calibrated_on != corpus.digest(Split::kTest),
          ExitCode::kBadInput,
          "the artifact's gate was set on the test split, which is to be scored; set it on valid");
}

class Weighing {
 public:
  Weighing(const ScoredArtifact& artifact, const ScoredArtifact* second, const Corpus& corpus,
           const AlternativesOptions& options, const ScoringOptions& scoring, Communicator& comm)
      : artifact_(artifact),
        second_(second),
        corpus_(corpus),
        options_(options),
        scoring_(scoring),
        comm_(comm),
        device_(tensor_device(start_device(scoring.device, comm))),
        network_(make_network(artifact.artifact, scoring.precision, device_)),
        windows_(unit_options(scoring, network_.options())),
        look_(make_look()) {
    if (second) second_network_ = make_network(second->artifact, scoring.precision, device_);
  }

  Alternatives weigh() && {
    const SearchWidths widths = parse_widths(options_);
    ArmChoices choices{network_.options().passes, {}, second_ != nullptr, false, widths};
    fit(choices);
    result_.plan = plan_arms(choices);
    const ArmNetworks networks{look_, second_ ? &*second_network_ : nullptr,
                               static_cast<uint64_t>(options_.seed)};
    result_.scores = score_arms(result_.plan, networks, corpus_, scoring_, windows_, comm_);
    for (const Arm& arm : result_.plan.arms) {
      result_.flops.push_back(flops_of(arm.cost));
      result_.bytes.push_back(bytes_of(arm));
    }
    result_.fitted = std::move(choices.fitted);
    result_.fitted_on = corpus_.digest(Split::kValid);
    result_.scored_on = corpus_.digest(Split::kTest);
    result_.rule = look_.rule();
    result_.windows = windows_.windows;
    return std::move(result_);
  }

 private:
  /// The artifact's own gate, or one of the share that was asked for.
  GateRule gate_rule() {
    if (options_.refine_share == 0) return artifact_.artifact.gate;
    Artifact headless = artifact_.artifact;  // whatever its own gate reads: the entropy
    headless.gate = {};
    headless.gate.keys = artifact_.artifact.gate.keys;
    std::erase_if(headless.tensors, is_of_head);
    return calibrate_gate(headless, corpus_, {options_.refine_share, scoring_, options_.threads},
                          comm_);
  }

  SecondLook make_look() {
    const KeyRule rule = rule_of(options_.key_rule, artifact_.artifact.gate.keys);
    const GateRule gate = gate_rule();
    if (gate.fraction <= 0) return {network_, nullptr, rule};
    result_.gate = ArmGate{gate.signal, gate.threshold, gate.fraction, gate.calibrated_on};
    return {network_, make_gate(gate), rule, stored_head(artifact_.artifact, device_)};
  }

  void fit(ArmChoices& choices) {
    const FitSample sample = collect_fit_sample(
        corpus_, scoring_, windows_, options_.fit_tokens,
        [&](const ScoringBatch& batch, Depths& depths) { return look_.look(batch, depths).rows; },
        network_, comm_);
    result_.fit_tokens = sample.tokens();
    const size_t states = look_.has_gate() ? 3 : 2;
    for (size_t state = 0; state < states; ++state)
      choices.fitted.push_back(
          fit_state(sample, state, {options_.readout_steps, options_.readout_prior}));
    if (!second_) return;
    const auto read_second = [&](const ScoringBatch& batch, Depths&) -> StoredRows {
      const BasePasses base = second_network_->base_passes(batch.tokens_BT);
      return {{scored_features(base.features_BTD, batch)},
              batch.targets_N,
              std::vector<uint8_t>(batch.places.size(), 0)};
    };
    result_.none_nats = mean_nats(sample, kNoneState);
    result_.second_nats =
        mean_nats(collect_fit_sample(corpus_, scoring_, windows_, options_.fit_tokens, read_second,
                                     *second_network_, comm_),
                  0);
    choices.second_is_better = *result_.second_nats < *result_.none_nats;
  }

  /// Nominal, a token.
  double flops_of(const ArmCost& cost) const {
    const PassFlops own(network_.options());
    const PassWork& work = result_.scores.work;
    PassWork again = work, gated = result_.scores.gated;
    again.keys = seen_keys(look_.rule(), work.keys, work.keys);
    double flops = cost.own_base ? own.base(work) : 0;
    if (cost.second_base) flops += PassFlops(second_network_->options()).base(work);
    flops += static_cast<double>(cost.readouts) * own.readout(work);
    flops += static_cast<double>(cost.refinements) * own.refinement(again, {look_.rule()});
    flops -= static_cast<double>(cost.spared_heads) * own.head(work);
    if (cost.gated)
      flops += own.refinement(gated, {look_.rule(), work.positions - gated.positions}) +
               look_.gate_flops(own, work);
    return flops / work.positions;
  }

  int64_t bytes_of(const Arm& arm) const {
    int64_t bytes = arm.fitted_numbers * kBytesOfNumber;
    if (arm.cost.own_base) bytes += artifact_.size.value;
    if (arm.cost.second_base) bytes += second_->size.value;
    return bytes;
  }

  const ScoredArtifact& artifact_;
  const ScoredArtifact* second_;
  const Corpus& corpus_;
  const AlternativesOptions& options_;
  const ScoringOptions& scoring_;
  Communicator& comm_;
  at::Device device_;
  Network network_;
  UnitOptions windows_;
  Alternatives result_;
  SecondLook look_;
  std::optional<Network> second_network_;
};

}  // namespace

Alternatives weigh_alternatives(const ScoredArtifact& artifact, const ScoredArtifact* second,
                                const Corpus& corpus, const AlternativesOptions& options,
                                const ScoringOptions& scoring, Communicator& comm) {
  validate(options);
  validate(scoring);
  require_second_pass(artifact.artifact);
  if (second) require_pair(artifact, *second, scoring);
  require_tokenizer(artifact.artifact, corpus);
  require_held_out(artifact.artifact.gate, corpus);
  together(comm, [&] {
    for (const Split split : {Split::kValid, Split::kTest})
      corpus.check_shards(split, comm.rank(), comm.size());
  });
  at::set_num_threads(static_cast<int>(options.threads));
  return Weighing(artifact, second, corpus, options, scoring, comm).weigh();
}

void compare_alternatives(Alternatives& alternatives, const AlternativesOptions& options) {
  alternatives.comparison =
      compare_arms(alternatives.plan, alternatives.scores, parse_widths(options),
                   {options.draws, static_cast<uint64_t>(options.seed)});
}

}  // namespace reprise
