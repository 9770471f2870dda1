#include "models/routing.h"

#include <ATen/ATen.h>

#include <span>

#include "base/error.h"

namespace reprise {
namespace {

/// Where groups of these sizes begin, and the end.
std::vector<int64_t> offsets_of(std::span<const int64_t> sizes) {
  std::vector<int64_t> offsets{0};
  for (const int64_t size : sizes)
    offsets.push_back(offsets.back() + (size + kGroupSlots - 1) / kGroupSlots * kGroupSlots);
  return offsets;
}

/// Sorts by counting.
at::Tensor slots_on_host(const at::Tensor& groups_A, int64_t groups,
                         std::vector<int64_t>& offsets) {
  const int64_t* group = groups_A.const_data_ptr<int64_t>();
  const int64_t choices = groups_A.numel();
  std::vector<int64_t> sizes(static_cast<size_t>(groups));
  for (int64_t a = 0; a < choices; ++a) ++sizes[static_cast<size_t>(group[a])];
  offsets = offsets_of(sizes);
  std::vector<int64_t> next = offsets;
  const at::Tensor slots_A = at::empty_like(groups_A);
  int64_t* slot = slots_A.mutable_data_ptr<int64_t>();
  for (int64_t a = 0; a < choices; ++a) slot[a] = next[static_cast<size_t>(group[a])]++;
  return slots_A;
}

at::Tensor slots_on_device(const at::Tensor& groups_A, int64_t groups,
                           std::vector<int64_t>& offsets) {
  const at::Tensor sizes_G = at::bincount(groups_A, {}, groups).cpu();
  offsets = offsets_of({sizes_G.const_data_ptr<int64_t>(), static_cast<size_t>(groups)});
  // A group's first slot, less what stands before the group in the sorted order.
  const at::Tensor before_G = sizes_G.cumsum(0) - sizes_G;
  const at::Tensor shift_G =
      at::tensor(std::vector<int64_t>(offsets.begin(), offsets.end() - 1), at::kLong) - before_G;
  const at::Tensor order_A = at::argsort(groups_A, /*stable=*/true, 0, /*descending=*/false);
  const at::Tensor sorted_A =
      at::arange(groups_A.numel(), groups_A.options()) +
      shift_G.to(groups_A.device()).index_select(0, groups_A.index_select(0, order_A));
  return at::empty_like(groups_A).scatter(0, order_A, sorted_A);
}

}  // namespace

Routing route(const at::Tensor& logits_MSX, int64_t top_k) {
  const int64_t sets = logits_MSX.size(1), experts = logits_MSX.size(2);
  require(1 <= top_k && top_k <= experts, ExitCode::kFailure, "a router takes ", top_k, " of ",
          experts, " experts");
  const at::Tensor chosen_MSK = std::get<1>(logits_MSX.detach().topk(top_k, -1));
  const at::Tensor set_S1 = at::arange(sets, chosen_MSK.options()).unsqueeze(-1);
  const at::Tensor groups_A = (chosen_MSK * sets + set_S1).flatten();
  std::vector<int64_t> offsets;
  const auto sort = groups_A.is_cpu() ? slots_on_host : slots_on_device;
  const at::Tensor slots_A = sort(groups_A, sets * experts, offsets);
  return {slots_A.view(chosen_MSK.sizes()), logits_MSX.gather(-1, chosen_MSK).sigmoid(), chosen_MSK,
          std::move(offsets)};
}

}  // namespace reprise
