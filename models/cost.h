// Floating-point operations of the passes: the formula of docs/refinement.md, forward only, a
// multiply-add counted as two.
//
// Nominal work is what a decoder that keeps its keys would do: each scored token once, attending to
// the positions before it. Executed work is what ran: padding, context that overlapping windows
// compute again, keys masked out.
#pragma once

#include "models/options.h"

namespace reprise {

/// Positions that went through the layers, keys they attended to (summed over positions), rows that
/// were read out.
struct PassWork {
  double positions = 0, keys = 0, readouts = 0;
  PassWork& operator+=(const PassWork& other);
};

/// One sequence position, with the keys a causal one has on average, read out once.
PassWork mean_position(const ModelOptions& model);

/// Prelude, every base pass, coda (behind every pass where readouts are summed), halting and head.
double base_flops(const ModelOptions& model, const PassWork& work);
/// Coda and head over the hidden state of an earlier pass; the head alone where readouts are
/// summed, since the coda has run.
double readout_flops(const ModelOptions& model, const PassWork& work);
/// One pass of core and coda under the rule `coarse`: no key or value is projected.
double refinement_flops(const ModelOptions& model, const PassWork& work);

}  // namespace reprise
