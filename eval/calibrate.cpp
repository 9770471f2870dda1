#include "eval/calibrate.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "base/log.h"
#include "eval/model.h"
#include "eval/refinement_run.h"
#include "eval/start_device.h"
#include "eval/stored_head.h"
#include "eval/unit.h"
#include "models/device.h"

namespace reprise {
namespace {

/// The values of all ranks. Their order is that of the ranks: only what does not depend on it may
/// be computed from them.
std::vector<float> gather_values(Communicator& comm, const std::vector<float>& mine) {
  std::string bytes(mine.size() * sizeof(float), '\0');
  std::memcpy(bytes.data(), mine.data(), bytes.size());
  std::vector<float> all;
  for (const std::string& part : gather_texts(comm, bytes)) {
    const size_t before = all.size();
    all.resize(before + part.size() / sizeof(float));
    std::memcpy(all.data() + before, part.data(), part.size());
  }
  return all;
}

/// Of every prediction of the valid split what the artifact's gate looks at.
std::vector<float> valid_scores(const Artifact& artifact, const Corpus& corpus,
                                const ScoringOptions& options, Communicator& comm) {
  const at::NoGradGuard no_grad;
  const at::Device device = tensor_device(start_device(options.device, comm));
  const Network network = make_network(artifact, options.precision, device);
  const auto head = stored_head(artifact, device);
  const UnitOptions windows = unit_options(options, network.options());
  const auto units = plan_units(corpus.documents(Split::kValid), options.unit_tokens);
  std::vector<float> scores;
  for (auto u = static_cast<size_t>(comm.rank()); u < units.size();
       u += static_cast<size_t>(comm.size()))
    for (const ScoringBatch& batch :
         make_batches(read_unit(corpus, Split::kValid, units[u]), windows)) {
      const at::Tensor features_ND =
          readouts_at(network.base_passes(batch.tokens_BT).features_BTD, batch.rows_N);
      const Predictions predictions = predict(network, features_ND, batch.targets_N);
      const std::vector<float> more =
          head ? head->scores(features_ND, predictions, network.options().vocab)
               : predictions.entropy;
      scores.insert(scores.end(), more.begin(), more.end());
    }
  return gather_values(comm, scores);
}

size_t picked_by(double share, size_t tokens) {
  return static_cast<size_t>(std::llround(share * static_cast<double>(tokens)));
}

/// Below every value.
double below_all(const std::vector<float>& values) {
  return std::min(-1.0, std::floor(double{std::ranges::min(values)}) - 1);
}

/// The largest of the values below `value`; below_all() where there is none.
double next_below(const std::vector<float>& values, float value) {
  double next = below_all(values);
  for (const float other : values)
    if (other < value) next = std::max<double>(next, other);
  return next;
}

/// How far the share that is refined may lie from the one asked for without a word.
constexpr double kTellFrom = 0.1;

void tell_share(const GateRule& rule, double asked) {
  if (std::abs(rule.fraction - asked) > kTellFrom * asked)
    log::warning("the gate refines ", fixed(100 * rule.fraction, 2), " % of the valid split where ",
                 fixed(100 * asked, 2),
                 " % were asked for: many of its predictions have the same score");
}

}  // namespace

GateRule gate_quantile(std::vector<float> scores, double share) {
  GateRule rule;
  const auto count = static_cast<double>(scores.size());
  const size_t exceeding = picked_by(share, scores.size());
  const auto above = [&](double threshold) {
    return static_cast<size_t>(
        std::ranges::count_if(scores, [&](float score) { return score > threshold; }));
  };
  rule.threshold = below_all(scores);
  if (exceeding < scores.size()) {
    std::ranges::nth_element(scores, scores.begin() + static_cast<ptrdiff_t>(exceeding),
                             std::greater{});
    rule.threshold = scores[exceeding];
    // Predictions that tie at the threshold go together, to the side nearer to the share.
    const double with_ties = next_below(scores, scores[exceeding]);
    if (above(with_ties) - exceeding < exceeding - above(rule.threshold))
      rule.threshold = with_ties;
  }
  rule.fraction = static_cast<double>(above(rule.threshold)) / count;
  return rule;
}

GateRule calibrate_gate(const Artifact& artifact, const Corpus& corpus,
                        const CalibrationOptions& options, Communicator& comm) {
  require(options.share > 0 && options.share <= 1, ExitCode::kUsage,
          "the share of refined tokens is ", options.share, "; it must be above 0 and at most 1");
  validate(options.scoring);
  require_tokenizer(artifact, corpus);
  corpus.check_shards(Split::kValid, comm.rank(), comm.size());
  at::set_num_threads(static_cast<int>(options.threads));
  std::vector<float> scores = valid_scores(artifact, corpus, options.scoring, comm);
  require(!scores.empty(), ExitCode::kBadInput,
          "the valid split holds no token to set the gate on");
  require(std::ranges::all_of(scores, [](float score) { return std::isfinite(score); }),
          ExitCode::kBadInput, "the gate's score of a prediction of the valid split is not finite");
  require(picked_by(options.share, scores.size()) > 0, ExitCode::kUsage,
          "a share of refined tokens of ", options.share, " picks none of the valid split's ",
          scores.size(), "; the least that picks one is ", 0.5 / static_cast<double>(scores.size()),
          ", and 0 sets no gate");
  GateRule rule = gate_quantile(std::move(scores), options.share);
  require(rule.fraction > 0, ExitCode::kUsage, "a share of refined tokens of ", options.share,
          " lies within the valid split's largest scores, which are all the same: no threshold "
          "picks so few; ask for more, or 0 for no gate");
  if (comm.rank() == 0) tell_share(rule, options.share);
  rule.signal = artifact.gate.signal;
  rule.head_reads = artifact.gate.head_reads;
  rule.calibrated_on = corpus.digest(Split::kValid);
  rule.keys = artifact.gate.keys;
  return rule;
}

}  // namespace reprise
