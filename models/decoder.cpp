#include "models/decoder.h"

#include <ATen/ATen.h>

#include "models/network_weights.h"
#include "models/ops/rms_norm.h"

namespace reprise {

namespace {

LayerStores make_stores(const LayerRange& layers, const KeyStoreShape& shape) {
  return LayerStores(static_cast<size_t>(layers.count), KeyStore(shape));
}

std::vector<LayerStores> make_stores(int64_t passes, const LayerRange& layers,
                                     const KeyStoreShape& shape) {
  return std::vector<LayerStores>(static_cast<size_t>(passes), make_stores(layers, shape));
}

void validate(const DecodeOptions& options) {
  require(options.refinements >= 1, ExitCode::kUsage, "a decoder of ", options.refinements,
          " refinements; it makes one or more");
  require(!options.write_back || (options.rule == KeyRule::kLatest && options.refinements == 1 &&
                                  options.coda == CodaRun::kAgain),
          ExitCode::kUsage,
          "write-back takes rule latest, one refinement, and the coda again for the refined");
}

/// How many of the picked rows of a piece each sequence has.
std::vector<int64_t> count_by_sequence(const at::Tensor& rows_M, int64_t sequences,
                                       int64_t length) {
  std::vector<int64_t> counts;
  for (const ops::RowSpan& span : ops::see_one_another(rows_M, sequences, length).queries_B)
    counts.push_back(span.count);
  return counts;
}

/// Where the picked rows of a piece lie in stores of every row, and what they see there.
StoredRows picked_of(const StoredRows& all, const at::Tensor& rows_M,
                     const std::vector<int64_t>& counts) {
  StoredRows picked{all.slots_M.index_select(0, rows_M), all.sight};
  picked.sight.seen_M = all.sight.seen_M.index_select(0, rows_M);
  int64_t first = 0;
  for (size_t b = 0; b < counts.size(); ++b) {
    picked.sight.queries_B[b] = {first, counts[b]};
    first += counts[b];
  }
  return picked;
}

}  // namespace

Decoder::Decoder(const Network& network, int64_t sequences, DecodeOptions options)
    : network_(network),
      options_(options),
      shape_{sequences, network.options().context},
      prelude_(make_stores(network.plan_.prelude, shape_)),
      core_(make_stores(std::ssize(network.plan_.passes), network.plan_.refinement.layers, shape_)),
      coda_(make_stores(network.options().readout == Readout::kSum ? std::ssize(core_) : 1,
                        network.plan_.coda, shape_)) {
  validate(options);
  network.require_refinable({options.rule, options.coda});
  const RefinementStores stores{make_stores(network.plan_.refinement.layers, shape_),
                                make_stores(network.plan_.coda, shape_),
                                std::vector<int64_t>(static_cast<size_t>(sequences), 0)};
  refined_.assign(static_cast<size_t>(options.refinements), stores);
}

LayerStores& Decoder::coda_of(int64_t pass) {
  return coda_[coda_.size() == 1 ? 0 : static_cast<size_t>(pass)];
}

void Decoder::begin_piece(const at::Tensor& tokens_BL) {
  const Network::Weights& weights = *network_.weights_;
  const int64_t length = tokens_BL.size(1);
  require(tokens_BL.size(0) == shape_.sequences && length >= 1, ExitCode::kFailure, "a decoder of ",
          shape_.sequences, " sequences was given tokens ", tokens_BL.sizes());
  require(length_ + length <= shape_.capacity, ExitCode::kUsage, "the text grows to ",
          length_ + length, " tokens; the model reads at most ", shape_.capacity);
  require(!options_.write_back || length == 1, ExitCode::kUsage,
          "with write-back a decoder reads one token at a time, not ", length);
  piece_ = {};
  piece_.length = length;
  piece_.base.embedded_BTD = ops::rms_norm(embed(weights.embedding, tokens_BL, weights.products));
  piece_.base.passes = std::ssize(core_);
  piece_.rows = network_.all_rows(piece_.base.embedded_BTD);
  piece_.rows.positions_M = piece_.rows.positions_M + length_;
  const auto every = static_cast<size_t>(shape_.sequences);
  piece_.all = rows_behind(shape_, std::vector<int64_t>(every, length_),
                           std::vector<int64_t>(every, length), piece_.base.embedded_BTD.device());
}

at::Tensor Decoder::step(const at::Tensor& tokens_BL) {
  const at::NoGradGuard no_grad;
  require(options_.coda == CodaRun::kAgain || piece_.length == 0 || piece_.finished,
          ExitCode::kFailure, "with the coda once, tokens are finished before more are read");
  end_piece();
  begin_piece(tokens_BL);
  const auto stored_keys = [&](Part part, int64_t pass) {
    LayerStores& stores = part == Part::kPrelude ? prelude_
                          : part == Part::kCore  ? core_[static_cast<size_t>(pass)]
                                                 : coda_of(pass);
    return std::make_unique<StoredKeys>(stores, piece_.all);
  };
  network_.run_base_passes(piece_.base, piece_.rows, {}, {.coda = options_.coda == CodaRun::kAgain},
                           stored_keys);
  length_ += piece_.length;
  return piece_.base.features_BTD;
}

at::Tensor Decoder::refine(const at::Tensor& mask_BL) {
  const at::NoGradGuard no_grad;
  require(piece_.length > 0 && piece_.refinements < options_.refinements, ExitCode::kFailure,
          "a decoder of ", options_.refinements, " refinements was asked for another");
  const at::Tensor mask_M = mask_BL.flatten();
  require(!piece_.mask_M.defined() ||
              !mask_M.logical_and(piece_.mask_M.logical_not()).any().item<bool>(),
          ExitCode::kFailure, "a further refinement takes only tokens that the one before took");
  piece_.mask_M = mask_M;
  return run_refinement(mask_M.nonzero().squeeze(-1));
}

at::Tensor Decoder::run_refinement(const at::Tensor& rows_M) {
  const at::Tensor rows = rows_M.to(piece_.base.embedded_BTD.device());
  const auto depth = static_cast<size_t>(piece_.refinements);
  RefinementStores& own = refined_[depth];
  const RefinementStores* before = depth > 0 ? &refined_[depth - 1] : nullptr;
  const std::vector<int64_t> counts = count_by_sequence(rows, shape_.sequences, piece_.length);
  const StoredSelection picked{picked_of(piece_.all, rows, counts),
                               rows_behind(shape_, own.refined_B, counts, rows.device()),
                               piece_.all.slots_M};
  const bool copies = options_.rule == KeyRule::kCopyState;
  const HaltedStates halted =
      copies ? network_.halted_states(piece_.base, piece_.rows) : HaltedStates{};
  LayerStores &base_core = core_.back(), &base_coda = coda_.back();
  const auto written = [&](LayerStores& stores) { return options_.write_back ? &stores : nullptr; };
  // Behind the core a halted position has the keys of its coarse readout.
  StoredRuleReader core(
      options_.rule, {base_core, before ? before->core : base_core, own.core, written(base_core)},
      picked, copies ? &halted : nullptr);
  StoredRuleReader coda(
      options_.rule,
      {base_coda, before && options_.rule == KeyRule::kLatest ? before->coda : base_coda, own.coda,
       written(base_coda)},
      picked, nullptr);
  RefinedRows refined = network_.run_refinement(
      piece_.base, piece_.rows, {rows, {}, {}, /*all=*/false}, options_.coda, core, coda);
  refined.options.coda = options_.coda;  // of the rule, stores have taken the keys
  piece_.base = network_.advance(piece_.base, refined);
  for (size_t b = 0; b < counts.size(); ++b) own.refined_B[b] += counts[b];
  ++piece_.refinements;
  return piece_.base.features_BTD;
}

at::Tensor Decoder::finish() {
  const at::NoGradGuard no_grad;
  require(options_.coda == CodaRun::kOnce && piece_.length > 0, ExitCode::kFailure,
          "only tokens that have not been read out can be finished");
  piece_.finished = true;
  StoredKeys keys(coda_.front(), piece_.all);
  return network_.read_out(piece_.base.coarse, piece_.rows, keys).view_as(piece_.base.embedded_BTD);
}

/// Later tokens may look up what a pass left of these, refined or not.
void Decoder::end_piece() {
  const bool leaves = options_.rule == KeyRule::kLatest || options_.rule == KeyRule::kCopyState;
  while (leaves && piece_.length > 0 && piece_.refinements < options_.refinements)
    run_refinement(at::empty({0}, at::kLong));
}

}  // namespace reprise
