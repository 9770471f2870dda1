#include "models/network.h"

#include <ATen/ATen.h>
#include <ATen/OpMathType.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <span>

#include "models/device.h"
#include "models/embedding.h"
#include "models/halting.h"
#include "models/halting_head.h"
#include "models/ops/head.h"
#include "models/ops/rms_norm.h"
#include "models/pass_interface.h"

namespace reprise {

struct Network::Weights {
  Weights(const ModelOptions& model, const Parameters& all, at::ScalarType type, ProductLog* log)
      : options(model),
        parameters(all),
        compute(type),
        products(log),
        recorded(at::GradMode::is_enabled()),
        embedding(bind_embedding(parameters, model, "embedding", type)),
        layers(model, parameters, type),
        interface(model, parameters, type, log),
        rotary(ops::make_rotary_table(
            {model.context, model.head_width(), model.rope_share, model.rope_base},
            at::TensorOptions(embedding.table_VR.device()).dtype(at::toOpMathType(type)))) {
    if (model.halting != Halting::kNone) halting.emplace(parameters, type);
  }

  /// Bound when first used, as the layers are.
  const Embedding& head() {
    if (options.tied) return embedding;
    if (!untied_head) {
      const torch::autograd::AutoGradMode mode(recorded);
      untied_head = bind_embedding(parameters, options, "head", compute);
    }
    return *untied_head;
  }

  ModelOptions options;
  Parameters parameters;  ///< shares the tensors
  at::ScalarType compute;
  ProductLog* products;  ///< may be null
  bool recorded;         ///< casts, by autograd
  Embedding embedding;
  std::optional<Embedding> untied_head;
  LayerStack layers;
  PassInterface interface;
  std::optional<HaltingHead> halting;
  ops::RotaryTable rotary;
};

namespace {

/// Some rows of a batch.
RowSet picked_rows(const RowSet& all, const at::Tensor& rows_M) {
  return {all.sequences,
          all.length,
          rows_M,
          rows_M % all.length,
          all.embedded_MD.index_select(0, rows_M),
          all.rotary,
          all.routers,
          all.products};
}

void require_rows(const at::Tensor& rows_M, int64_t positions) {
  const at::Tensor rows = rows_M.cpu().contiguous();
  const std::span all(rows.const_data_ptr<int64_t>(), static_cast<size_t>(rows.numel()));
  const bool ascending = std::ranges::adjacent_find(all, std::greater_equal{}) == all.end();
  require(all.empty() || (ascending && all.front() >= 0 && all.back() < positions),
          ExitCode::kFailure, "rows to refine must be distinct, ascending and below ", positions);
}

}  // namespace

Network::Network(const ModelOptions& options, const Parameters& parameters, at::ScalarType compute,
                 ProductLog* products)
    : options_(options),
      plan_(make_pass_plan(options)),
      weights_(std::make_shared<Weights>(options, parameters, compute, products)) {}

BasePasses Network::base_passes(const at::Tensor& tokens_BT, KeepOptions keep, PassRun run) const {
  require(tokens_BT.dim() == 2 && tokens_BT.size(1) <= options_.context, ExitCode::kFailure,
          "tokens have shape ", tokens_BT.sizes(), "; expected [sequences, at most ",
          options_.context, "]");
  require(run.passes >= 0 && run.graph_passes >= 0, ExitCode::kFailure, "a run of ", run.passes,
          " passes, ", run.graph_passes, " of them with a graph");
  LayerStack& layers = weights_->layers;
  const bool sums = options_.readout == Readout::kSum, halts = weights_->halting.has_value();
  BasePasses base;
  base.passes = run.passes > 0 ? run.passes : std::ssize(plan_.passes);
  const int64_t first_with_graph = run.graph_passes > 0 ? base.passes - run.graph_passes : 0;
  require(!halts || first_with_graph <= 0, ExitCode::kFailure,
          "halting weighs every pass, so backward goes through all of them");
  base.embedded_BTD = ops::rms_norm(embed(weights_->embedding, tokens_BT, weights_->products));
  RowSet rows = all_rows(base.embedded_BTD);
  if (keep.routers) rows.routers = &base.routers;
  Stream stream = layers.run({plan_.prelude}, layers.begin(rows.embedded_MD), rows, nullptr);
  if (options_.reinjection != Reinjection::kNone) base.entered_MD = stream.hidden_MD;
  std::vector<LayerKeys>* coda_keys = keep.keys ? &base.coda_keys : nullptr;
  for (int64_t pass = 0; pass < base.passes; ++pass) {
    const torch::autograd::AutoGradMode mode(at::GradMode::is_enabled() &&
                                             pass >= first_with_graph);
    const bool last = pass + 1 == base.passes;
    const auto planned = static_cast<size_t>(std::min(pass, std::ssize(plan_.passes) - 1));
    std::vector<LayerKeys>* kept = keep.keys && last ? &base.core_keys : nullptr;
    stream = run_pass(plan_.passes[planned], std::move(stream), base.entered_MD,
                      [&](const CorePass& core, Stream begun) {
                        return layers.run(core, std::move(begun), rows, kept);
                      });
    if (keep.all_passes || halts || last) base.streams_P.push_back(stream);
    if (sums)
      add_readout(base, read_out(stream, rows, last ? coda_keys : nullptr), keep.all_passes);
  }
  base.coarse = base.streams_P.back();
  if (halts) halt_positions(base);
  if (!keep.all_passes) base.streams_P = {base.streams_P.back()};
  if (!sums) base.features_BTD = read_out(base.coarse, rows, coda_keys).view_as(base.embedded_BTD);
  return base;
}

RowSet Network::all_rows(const at::Tensor& embedded_BTD) const {
  const int64_t sequences = embedded_BTD.size(0), length = embedded_BTD.size(1);
  const at::Tensor rows_M = at::arange(sequences * length, embedded_BTD.options().dtype(at::kLong));
  return {sequences,
          length,
          rows_M,
          rows_M % length,
          embedded_BTD.flatten(0, 1),
          weights_->rotary,
          nullptr,
          weights_->products};
}

void Network::add_readout(BasePasses& base, const at::Tensor& readout_MD, bool keep) const {
  const at::Tensor readout_BTD = readout_MD.view_as(base.embedded_BTD);
  base.features_BTD = base.features_BTD.defined() ? base.features_BTD + readout_BTD : readout_BTD;
  if (keep) base.sums_P.push_back(base.features_BTD);
}

void Network::halt_positions(BasePasses& base) const {
  const int64_t floor = std::min(options_.halt_floor, base.passes);
  const std::span streams = std::span(base.streams_P).subspan(static_cast<size_t>(floor - 1));
  base.halt_scores_QM = weights_->halting->scores(streams);
  base.coarse = halt(options_, streams, base.halt_scores_QM);
  if (options_.halting == Halting::kExit)
    base.exits_M = exit_row(base.halt_scores_QM, options_.halt_threshold) + floor;
}

at::Tensor Network::readout(const BasePasses& base, int64_t pass) const {
  const bool last = pass + 1 == base.passes, sums = options_.readout == Readout::kSum;
  if (last && !weights_->halting) return base.features_BTD;
  require(last || (pass >= 0 && pass < base.passes && std::ssize(base.streams_P) == base.passes),
          ExitCode::kFailure, "no hidden state of pass ", pass,
          " was kept; run base_passes with all_passes = true");
  if (sums) return base.sums_P[static_cast<size_t>(pass)];
  const RowSet rows = all_rows(base.embedded_BTD);
  const Stream& stream = last ? base.streams_P.back() : base.streams_P[static_cast<size_t>(pass)];
  return read_out(stream, rows, nullptr).view_as(base.embedded_BTD);
}

at::Tensor Network::read_out(Stream stream, const RowSet& rows,
                             std::vector<LayerKeys>* kept) const {
  return ops::rms_norm(weights_->layers.run({plan_.coda}, std::move(stream), rows, kept).hidden_MD);
}

template <class Layers>
Stream Network::run_pass(const CorePass& pass, Stream stream, const at::Tensor& entered_MD,
                         Layers layers) const {
  const PassInterface& interface = weights_->interface;
  const at::Tensor before_MD = stream.hidden_MD;
  stream.hidden_MD = interface.begin(pass.own, std::move(stream.hidden_MD), entered_MD);
  stream = layers(pass, std::move(stream));
  stream.hidden_MD = interface.end(pass.own, stream.hidden_MD, before_MD);
  return stream;
}

Stream Network::refine_core(const BasePasses& base, const RowSet& rows, Stream stream,
                            const at::Tensor& entered_MD) const {
  return run_pass(plan_.refinement, std::move(stream), entered_MD,
                  [&](const CorePass& core, Stream begun) {
                    return weights_->layers.refine(core, std::move(begun), rows, base.core_keys);
                  });
}

at::Tensor Network::refine(const BasePasses& base, const RowSet& rows, Stream stream,
                           const at::Tensor& entered_MD) const {
  stream = refine_core(base, rows, std::move(stream), entered_MD);
  const Stream end = weights_->layers.refine({plan_.coda}, std::move(stream), rows, base.coda_keys);
  return ops::rms_norm(end.hidden_MD);
}

at::Tensor Network::refine_all(const BasePasses& base) const {
  const RowSet rows = all_rows(base.embedded_BTD);
  const at::Tensor readout_MD = refine(base, rows, base.coarse, base.entered_MD);
  const at::Tensor readout_BTD = readout_MD.view_as(base.embedded_BTD);
  return options_.readout == Readout::kSum ? base.features_BTD + readout_BTD : readout_BTD;
}

at::Tensor Network::refine_rows(const BasePasses& base, const at::Tensor& rows_M) const {
  const RowSet all = all_rows(base.embedded_BTD);
  require_rows(rows_M, all.rows_M.size(0));
  const at::Tensor rows = moved_to(base.coarse.hidden_MD.device(), rows_M);
  const auto picked = [&](const at::Tensor& of_all_MD) {
    return of_all_MD.defined() ? of_all_MD.index_select(0, rows) : of_all_MD;
  };
  const at::Tensor readout_MD =
      refine(base, picked_rows(all, rows), pick_rows(base.coarse, rows), picked(base.entered_MD));
  return options_.readout == Readout::kSum ? picked(base.features_BTD.flatten(0, 1)) + readout_MD
                                           : readout_MD;
}

at::Tensor Network::refine_masked(const BasePasses& base, const at::Tensor& mask_BT) const {
  const RowSet rows = all_rows(base.embedded_BTD);
  const Stream refined = refine_core(base, rows, base.coarse, base.entered_MD);
  const at::Tensor mask_BT1 = moved_to(base.coarse.hidden_MD.device(), mask_BT).unsqueeze(-1);
  const Stream end = weights_->layers.refine(
      {plan_.coda}, pick_where(mask_BT1.flatten(0, 1), refined, base.coarse), rows, base.coda_keys);
  const at::Tensor readout_BTD = ops::rms_norm(end.hidden_MD).view_as(base.embedded_BTD);
  if (options_.readout == Readout::kLast) return readout_BTD;
  return at::where(mask_BT1, base.features_BTD + readout_BTD, base.features_BTD);
}

at::Tensor Network::logits(const at::Tensor& features) const {
  const Embedding& head = weights_->head();
  return ops::capped_logits(head_features(head, features, weights_->products), head.table_VR,
                            options_.softcap);
}

at::Tensor Network::cross_entropy(const at::Tensor& features, const at::Tensor& targets) const {
  const Embedding& head = weights_->head();
  return ops::cross_entropy(head_features(head, features, weights_->products), head.table_VR,
                            moved_to(features.device(), targets), options_.softcap);
}

}  // namespace reprise
