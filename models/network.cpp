#include "models/network.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <span>

#include "models/device.h"
#include "models/halting.h"
#include "models/network_weights.h"
#include "models/ops/head.h"
#include "models/ops/rms_norm.h"

namespace reprise {

namespace {

constexpr size_t kTrailStates = 3;

void extend_trail(std::vector<Stream>& trail, const Stream& step) {
  if (trail.size() == kTrailStates) trail.erase(trail.begin());
  trail.push_back(step);
}

void require_trail(const BasePasses& base) {
  require(base.trail.size() == kTrailStates, ExitCode::kFailure,
          "no trail of the coarse state was kept; run base_passes with trail = true");
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
  require(run.coda || options_.readout == Readout::kLast, ExitCode::kFailure,
          "summed readouts are taken behind every pass, none of which goes without the coda");
  require(run.passes >= 0 && run.graph_passes >= 0, ExitCode::kFailure, "a run of ", run.passes,
          " passes, ", run.graph_passes, " of them with a graph");
  BasePasses base;
  base.embedded_BTD = ops::rms_norm(embed(weights_->embedding, tokens_BT, weights_->products));
  base.passes = run.passes > 0 ? run.passes : std::ssize(plan_.passes);
  RowSet rows = all_rows(base.embedded_BTD);
  if (keep.routers) rows.routers = &base.routers;
  const ops::Sight sight = see_all(base.embedded_BTD);
  const auto own_keys = [&](Part part, int64_t pass) {
    const bool kept = keep.keys && part != Part::kPrelude && pass + 1 == base.passes;
    std::vector<ops::KeyRows>& keys = part == Part::kCore ? base.core_keys : base.coda_keys;
    return std::make_unique<OwnKeys>(sight, kept ? &keys : nullptr);
  };
  run_base_passes(base, rows, keep, run, own_keys);
  return base;
}

void Network::run_base_passes(BasePasses& base, const RowSet& rows, KeepOptions keep, PassRun run,
                              const BaseReaders& readers) const {
  LayerStack& layers = weights_->layers;
  const bool sums = options_.readout == Readout::kSum, halts = weights_->halting.has_value();
  const int64_t first_with_graph = run.graph_passes > 0 ? base.passes - run.graph_passes : 0;
  require(!halts || first_with_graph <= 0, ExitCode::kFailure,
          "halting weighs every pass, so backward goes through all of them");
  const auto read = [&](const Stream& stream, int64_t pass) {
    return read_out(stream, rows, *readers(Part::kCoda, pass)).view_as(base.embedded_BTD);
  };
  Stream stream = layers.run({plan_.prelude}, layers.begin(rows.embedded_MD), rows,
                             *readers(Part::kPrelude, 0));
  if (options_.reinjection != Reinjection::kNone) base.entered_MD = stream.hidden_MD;
  const SeeStream keep_step = [&](const Stream& step) {
    if (keep.trail) extend_trail(base.trail, step);
  };
  const SeeStream by_layer = base.passes == 1 ? keep_step : SeeStream();
  keep_step(layers.begin(rows.embedded_MD));
  keep_step(stream);
  for (int64_t pass = 0; pass < base.passes; ++pass) {
    const torch::autograd::AutoGradMode mode(at::GradMode::is_enabled() &&
                                             pass >= first_with_graph);
    const auto planned = static_cast<size_t>(std::min(pass, std::ssize(plan_.passes) - 1));
    stream = run_pass(plan_.passes[planned], std::move(stream), base.entered_MD, rows,
                      *readers(Part::kCore, pass), by_layer);
    if (base.passes > 1) keep_step(stream);
    if (keep.all_passes || halts || pass + 1 == base.passes) base.streams_P.push_back(stream);
    if (sums) add_readout(base, read(stream, pass), keep.all_passes);
  }
  base.coarse = base.streams_P.back();
  if (halts) halt_positions(base);
  if (keep.trail) base.trail.back() = base.coarse;
  if (!keep.all_passes) base.streams_P = {base.streams_P.back()};
  if (!sums && run.coda) base.features_BTD = read(base.coarse, base.passes - 1);
}

RowSet Network::all_rows(const at::Tensor& embedded_BTD) const {
  const int64_t sequences = embedded_BTD.size(0), length = embedded_BTD.size(1);
  const at::Tensor positions_T = at::arange(length, embedded_BTD.options().dtype(at::kLong));
  return {positions_T.repeat({sequences}), embedded_BTD.flatten(0, 1), weights_->rotary, nullptr,
          weights_->products};
}

ops::Sight Network::see_all(const at::Tensor& embedded_BTD) const {
  return ops::see_all(embedded_BTD.size(0), embedded_BTD.size(1), embedded_BTD.device());
}

void Network::add_readout(BasePasses& base, const at::Tensor& readout_BTD, bool keep) const {
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
  const Stream& stream = last ? base.streams_P.back() : base.streams_P[static_cast<size_t>(pass)];
  return read_out_all(stream, base);
}

at::Tensor Network::readout_before(const BasePasses& base) const {
  require_trail(base);
  if (options_.readout == Readout::kSum && base.passes > 1) return readout(base, base.passes - 2);
  return read_out_all(base.trail[1], base);
}

at::Tensor Network::early_readout_before(const BasePasses& base) const {
  require_trail(base);
  return ops::rms_norm(base.trail[1].hidden_MD).view_as(base.embedded_BTD);
}

at::Tensor Network::read_out(Stream stream, const RowSet& rows, KeyReader& reader) const {
  return ops::rms_norm(
      weights_->layers.run({plan_.coda}, std::move(stream), rows, reader).hidden_MD);
}

at::Tensor Network::read_out_all(Stream stream, const BasePasses& base) const {
  OwnKeys reader(see_all(base.embedded_BTD), nullptr);
  return read_out(std::move(stream), all_rows(base.embedded_BTD), reader)
      .view_as(base.embedded_BTD);
}

Stream Network::run_pass(const CorePass& pass, Stream stream, const at::Tensor& entered_MD,
                         const RowSet& rows, KeyReader& reader,
                         const SeeStream& behind_layer) const {
  const PassInterface& interface = weights_->interface;
  const at::Tensor before_MD = stream.hidden_MD;
  stream.hidden_MD = interface.begin(pass.own, std::move(stream.hidden_MD), entered_MD);
  stream = weights_->layers.run(pass, std::move(stream), rows, reader, behind_layer);
  stream.hidden_MD = interface.end(pass.own, stream.hidden_MD, before_MD);
  return stream;
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
