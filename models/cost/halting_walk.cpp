// What halting keeps for backward, as models/halting.cpp and models/halting_head.cpp run it. The
// gradient of the state that the passes come to is there once for each of them, until backward has
// come to its pass.
#include <algorithm>
#include <utility>

#include "models/cost/network_walk.h"

namespace reprise {
namespace {

constexpr double kFlagBytes = 1;  // of a comparison
constexpr double kExitBytes = sizeof(int64_t);

}  // namespace

int64_t NetworkWalk::first_halting() const {
  return std::min(model_.halt_floor, recorded_.passes) - 1;
}

/// Whether the coda reads what the layer left in the pass that a position halted at.
bool NetworkWalk::halts_skip(int64_t layer) const {
  const int64_t reader = 2 * model_.skip_count() - 1 - layer;
  return halts() && layer >= plan_.prelude.count && reader >= plan_.coda.first;
}

std::vector<std::string> NetworkWalk::gradients_of(int64_t pass) const {
  std::vector<std::string> names{state_name(pass)};
  for (int64_t layer = 0; layer < plan_.coda.first; ++layer)
    if (halts_skip(layer)) names.push_back(handed_name(layer, pass));
  return names;
}

TapeTensor NetworkWalk::halt(const WalkedRows& rows) {
  const double deciding = static_cast<double>(last_pass() - first_halting());
  score(rows);
  tape_.keep(walk_.make_wide(rows.count, deciding));  // the scores, which losses read
  TapeTensor weights = 0;
  if (model_.halting == Halting::kMixture)  // and what ponder() saves for them
    weights = tape_.make(rows.count * ((kWideBytes + kFlagBytes) * (2 * deciding + 1)));
  else
    tape_.hold(kExitBytes * rows.count);
  combine(weights, rows, state_name);
  tape_.record({.takes_shared = {coarse_name()}});
  halt_skips(weights, rows);
  const TapeTensor coarse = walk_.make(rows.count, width());
  tape_.keep(coarse);
  return coarse;
}

/// A product with the norm of a state, in fp32.
void NetworkWalk::score(const WalkedRows& rows) {
  const double stream = stream_bytes(rows), wide = kWideBytes * rows.count * width();
  for (int64_t pass = first_halting(); pass < last_pass(); ++pass) {
    tape_.record({.saves = {states_[static_cast<size_t>(pass)]},
                  .takes = stream,
                  .shares = {{state_name(pass), stream}}});
    tape_.record({.saves = {tape_.make(wide)}, .gives = stream, .scratch = wide - stream});
  }
}

/// They go with their states. But for what the core hands to the coda, no gradient waits for each
/// pass: the core's own has no reader behind the passes, the prelude's is one tensor for them all.
void NetworkWalk::halt_skips(TapeTensor weights, const WalkedRows& rows) {
  const double stream = stream_bytes(rows);
  for (int64_t layer = 0; layer < std::min(model_.skip_count(), plan_.coda.first); ++layer) {
    tape_.keep(walk_.make(rows.count, width()));
    if (!halts_skip(layer)) continue;
    // What combine() gives directly is no gradient of the last pass's state: it waits by name too.
    tape_.record({.takes = stream, .shares = {{handed_name(layer, last_pass()), stream}}});
    combine(weights, rows, [&](int64_t pass) { return handed_name(layer, pass); });
    tape_.record({.gives = stream, .takes_shared = {skip_name(layer)}});
  }
}

/// One tensor of each pass's stream comes to one; gradients go by `name`, but to the last pass
/// directly.
void NetworkWalk::combine(TapeTensor weights, const WalkedRows& rows, const NameOfPass& name) {
  if (model_.halting == Halting::kMixture)
    mix(weights, rows, name);
  else
    choose(rows, name);
}

/// A sum in fp32: each product has two gradients, of the weight's before it is summed over
/// channels.
void NetworkWalk::mix(TapeTensor weights, const WalkedRows& rows, const NameOfPass& name) {
  const double stream = stream_bytes(rows), wide = kWideBytes * rows.count * width();
  for (int64_t pass = first_halting(); pass <= last_pass(); ++pass) {
    Operation product{.saves = {states_[static_cast<size_t>(pass)], weights},
                      .scratch = 2 * wide - stream};
    if (pass == first_halting()) product.takes = wide;
    if (pass == last_pass())
      product.gives = stream;
    else
      product.shares = {{name(pass), stream}};
    tape_.record(std::move(product));
  }
  tape_.record({.takes = stream, .gives = wide});
}

/// One choice after another, each by a row of flags.
void NetworkWalk::choose(const WalkedRows& rows, const NameOfPass& name) {
  const double stream = stream_bytes(rows);
  for (int64_t pass = first_halting(); pass < last_pass(); ++pass)
    tape_.record({.saves = {tape_.make(kFlagBytes * rows.count)},
                  .takes = stream,
                  .gives = stream,
                  .shares = {{name(pass), stream}}});
}

}  // namespace reprise
