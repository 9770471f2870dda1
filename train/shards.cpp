#include "train/shards.h"

#include <algorithm>
#include <numeric>

namespace reprise {
namespace {

bool takes_muon(const OptimiserOptions& options, const Parameter& parameter) {
  return parameter.role == Role::kMatrix && options.matrices == MatrixOptimiser::kMuon;
}

/// Indices of parameters that have one owner: Muon's batches, all others alone.
std::vector<std::vector<size_t>> units_of(const OptimiserOptions& options,
                                          const std::vector<Parameter>& parameters) {
  std::vector<std::vector<size_t>> units;
  std::vector<Parameter> matrices;
  std::vector<size_t> place_of_matrix;
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (!takes_muon(options, parameters[i])) {
      units.push_back({i});
      continue;
    }
    matrices.push_back(parameters[i]);
    place_of_matrix.push_back(i);
  }
  for (auto& batch : plan_matrix_batches(matrices)) {
    for (size_t& index : batch) index = place_of_matrix[index];
    units.push_back(std::move(batch));
  }
  return units;
}

}  // namespace

std::vector<int> assign_largest_first(std::span<const int64_t> loads, int ranks) {
  std::vector<size_t> order(loads.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, std::ranges::greater(), [&](size_t i) { return loads[i]; });
  std::vector<int64_t> load_of(static_cast<size_t>(ranks));
  std::vector<int> rank_of(loads.size());
  for (const size_t i : order) {
    const auto least = std::ranges::min_element(load_of);
    *least += loads[i];
    rank_of[i] = static_cast<int>(least - load_of.begin());
  }
  return rank_of;
}

std::vector<int> plan_owners(const OptimiserOptions& options,
                             const std::vector<Parameter>& parameters, int ranks) {
  const auto units = units_of(options, parameters);
  std::vector<int64_t> loads;
  for (const auto& unit : units) {
    int64_t elements = 0;
    for (const size_t i : unit)
      elements += parameters[i].tensor.numel() * std::ssize(state_names(options, parameters[i]));
    loads.push_back(elements);
  }
  const std::vector<int> rank_of = assign_largest_first(loads, ranks);
  std::vector<int> owners(parameters.size());
  for (size_t u = 0; u < units.size(); ++u)
    for (const size_t i : units[u]) owners[i] = rank_of[u];
  return owners;
}

std::vector<std::string> state_names(const OptimiserOptions& options, const Parameter& parameter) {
  std::vector<std::string> names;
  if (takes_muon(options, parameter))
    names = {"muon.momentum." + parameter.name};
  else
    names = {"adamw.mean." + parameter.name, "adamw.square." + parameter.name};
  if (options.ema > 0) names.push_back("average." + parameter.name);
  return names;
}

}  // namespace reprise
