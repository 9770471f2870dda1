#include "eval/packing_loss.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/error.h"
#include "eval/bits_per_byte.h"
#include "eval/predictions.h"
#include "models/device.h"

namespace reprise {
namespace {

at::Tensor scored_rows(const at::Tensor& features_BTD, const ScoringBatch& batch) {
  return features_BTD.flatten(0, 1).index_select(0, moved_to(features_BTD.device(), batch.rows_N));
}

double nats_of(const Network& network, const at::Tensor& features_ND, const ScoringBatch& batch) {
  const std::vector<double> nll = predict(network, features_ND, batch.targets_N).nll;
  return std::accumulate(nll.begin(), nll.end(), 0.0);
}

double square_sum(const at::Tensor& x) { return x.to(at::kDouble).square().sum().item<double>(); }

/// Sums over a sample of what PassLoss is made of.
struct PassSums {
  double nats_before = 0, nats_after = 0, error = 0, original = 0;
};

/// Readouts of the scored rows after every base pass, and after a refinement pass of all.
std::vector<at::Tensor> readouts(const Network& network, const ScoringBatch& batch,
                                 const ComparedRefinement& refinement) {
  const BasePasses base =
      network.base_passes(batch.tokens_BT, {.keys = refinement.runs, .all_passes = true});
  std::vector<at::Tensor> passes;
  for (int64_t pass = 0; pass < base.passes; ++pass)
    passes.push_back(scored_rows(
        pass + 1 < base.passes ? network.readout(base, pass) : base.features_BTD, batch));
  if (refinement.runs)
    passes.push_back(scored_rows(network.refine_all(base, refinement.rule), batch));
  return passes;
}

}  // namespace

LossSample draw_loss_sample(const Corpus& corpus, Split split, int64_t tokens,
                            const UnitOptions& options) {
  const auto units = plan_units(corpus.documents(split), options.batch_tokens);
  require(!units.empty(), ExitCode::kBadInput, "the ", enum_name(split),
          " split of the corpus is empty; give reprise data more text");
  const auto wanted =
      static_cast<size_t>((tokens + options.batch_tokens - 1) / options.batch_tokens);
  const size_t count = std::min(units.size(), std::max<size_t>(wanted, 1));
  LossSample sample{.split = split};
  for (size_t i = 0; i < count; ++i) {
    const UnitText text = read_unit(corpus, split, units[i * units.size() / count]);
    for (const Document& document : text.documents) sample.bytes.value += document.bytes.value;
    for (ScoringBatch& batch : make_batches(text, options)) {
      sample.tokens += batch.targets_N.numel();
      sample.batches.push_back(std::move(batch));
    }
  }
  return sample;
}

double mean_nats(const Network& network, const LossSample& sample) {
  const at::NoGradGuard no_grad;
  double nats = 0;
  for (const ScoringBatch& batch : sample.batches)
    nats += nats_of(network, scored_rows(network.base_passes(batch.tokens_BT).features_BTD, batch),
                    batch);
  return nats / static_cast<double>(sample.tokens);
}

PackingLoss compare_networks(const Network& before, const Network& after, const LossSample& sample,
                             const ComparedRefinement& refinement) {
  const at::NoGradGuard no_grad;
  std::vector<PassSums> sums;
  for (const ScoringBatch& batch : sample.batches) {
    const std::vector<at::Tensor> original = readouts(before, batch, refinement);
    const std::vector<at::Tensor> packed = readouts(after, batch, refinement);
    sums.resize(original.size());
    for (size_t pass = 0; pass < original.size(); ++pass) {
      sums[pass].nats_before += nats_of(before, original[pass], batch);
      sums[pass].nats_after += nats_of(after, packed[pass], batch);
      sums[pass].error += square_sum(packed[pass] - original[pass]);
      sums[pass].original += square_sum(original[pass]);
    }
  }
  PackingLoss loss{.split = sample.split, .tokens = sample.tokens, .refined = refinement.runs};
  for (const PassSums& sum : sums)
    loss.passes.push_back({bits_per_byte(Nats{sum.nats_before}, sample.bytes),
                           bits_per_byte(Nats{sum.nats_after}, sample.bytes),
                           std::sqrt(sum.error / sum.original)});
  return loss;
}

nlohmann::json to_json(const PackingLoss& loss) {
  nlohmann::json passes = nlohmann::json::array();
  for (const PassLoss& pass : loss.passes)
    passes.push_back({{"bpb_before", pass.bpb_before},
                      {"bpb_after", pass.bpb_after},
                      {"relative_error", pass.relative_error}});
  if (loss.refined) passes.back()["refined"] = true;
  return {{"split", enum_name(loss.split)}, {"tokens", loss.tokens}, {"passes", passes}};
}

}  // namespace reprise
