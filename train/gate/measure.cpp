#include "train/gate/measure.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <cmath>
#include <cstring>
#include <numeric>

#include "train/batch_share.h"
#include "train/gate/ranking.h"

namespace reprise {
using nlohmann::json;
namespace {

/// What is ranked, and by what.
struct HeldOut {
  RankedRows rows;
  std::vector<float> entropies;
};

std::vector<float> gather_floats(Communicator& comm, const at::Tensor& mine) {
  const at::Tensor host = mine.to(at::kCPU, at::kFloat).contiguous();
  const std::string bytes(static_cast<const char*>(host.const_data_ptr()), host.nbytes());
  std::vector<float> all;
  for (const std::string& part : gather_texts(comm, bytes)) {
    const size_t before = all.size();
    all.resize(before + part.size() / sizeof(float));
    std::memcpy(all.data() + before, part.data(), part.size());
  }
  return all;
}

HeldOut score_held_out(const GateHead& head, const HeadOptions& reads,
                       const GateObjectiveOptions& objective, const SampleSource& samples,
                       int64_t sequences, Communicator& comm) {
  const torch::autograd::AutoGradMode no_graph(false);
  const BatchShare share = share_of(sequences, comm.rank(), comm.size());
  std::vector<at::Tensor> scores{at::empty({0})}, gains = scores, entropies = scores,
                                                  labels = scores;
  for (int64_t sequence = share.first; sequence < share.first + share.count; ++sequence) {
    const GateSamples one = samples(0, sequence, 1);
    scores.push_back(head.scores(one.inputs_of(reads)).flatten().cpu());
    gains.push_back((one.first_BT - one.second_BT).flatten().cpu());
    entropies.push_back(one.signals_BTS.select(-1, 0).flatten().cpu());
    labels.push_back(measured_labels(objective, one).flatten().cpu());
  }
  const bool finite = at::isfinite(at::cat({at::cat(scores), at::cat(gains), at::cat(entropies)}))
                          .all()
                          .item<bool>();
  const std::string ranks = ranks_where(!finite, comm);
  require(ranks.empty(), ExitCode::kFailure,
          "a score or a loss on the valid split is not finite, on rank ", ranks,
          "; the model or the head is of no use");
  HeldOut held{{gather_floats(comm, at::cat(scores)), gather_floats(comm, at::cat(gains)), {}},
               gather_floats(comm, at::cat(entropies))};
  for (const float label : gather_floats(comm, at::cat(labels)))
    held.rows.labels.push_back(label > 0.5F);
  return held;
}

json number_or_null(const std::optional<double>& value) { return value ? json(*value) : json(); }

json describe(const RankedRows& rows, std::span<const float> scores, double share) {
  const PickedRows picked = pick_rows(rows, scores, share);
  return {{"auc", number_or_null(roc_auc(scores, rows.labels))},
          {"precision", number_or_null(picked.precision)},
          {"recall", number_or_null(picked.recall)},
          {"gain_nats", picked.gain_nats}};
}

}  // namespace

json measure_gate(const GateHead& head, const HeadOptions& reads,
                  const GateObjectiveOptions& objective, const SampleSource& samples,
                  int64_t sequences, Communicator& comm) {
  const HeldOut held = score_held_out(head, reads, objective, samples, sequences, comm);
  const RankedRows& rows = held.rows;
  const double share = objective.target_share;
  const auto tokens = static_cast<double>(rows.scores.size());
  const auto positives = std::accumulate(rows.labels.begin(), rows.labels.end(), int64_t{0});
  return {{"tokens", rows.scores.size()},
          {"target_share", share},
          {"label_share", static_cast<double>(positives) / tokens},
          {"gain_nats_all", pick_rows(rows, rows.scores, 1).gain_nats},
          {"head", describe(rows, rows.scores, share)},
          {"entropy", describe(rows, held.entropies, share)},
          {"oracle_gain", describe(rows, rows.gains_nats, share)}};
}

}  // namespace reprise
