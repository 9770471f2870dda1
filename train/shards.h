// Which rank keeps whose optimiser state, where ranks share it out (train.shard-optimiser): each
// rank owns whole parameters, updates those, and sends them to the others (weight_gather.h). The
// state, two to three times the weights, then lies once over all ranks instead of once on each:
// stage 1 of Rajbhandari et al., "ZeRO", arXiv:1910.02054, by whole matrices, which Muon needs.
#pragma once

#include <span>

#include "train/optimiser.h"

namespace reprise {

/// Gives each of `loads`, the largest first, to the rank that has least so far; of equals the
/// first. Returns a rank for each. No rank has more than the mean and the largest load together.
/// (Graham, "Bounds on multiprocessing timing anomalies", 1969.)
std::vector<int> assign_largest_first(std::span<const int64_t> loads, int ranks);

/// The rank that owns each of `parameters`: a pure function, the same on every rank. A batch of
/// Muon's stays together, so that its products are the same bits whoever owns it.
std::vector<int> plan_owners(const OptimiserOptions& options,
                             const std::vector<Parameter>& parameters, int ranks);

/// Names under which checkpoints hold what an update keeps of a parameter, its average included;
/// each is as large as the parameter.
std::vector<std::string> state_names(const OptimiserOptions& options, const Parameter& parameter);

}  // namespace reprise
