#include "train/weight_gather.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "base/error.h"
#include "tests/support/test_comm.h"

namespace reprise {
namespace {

constexpr int64_t kPacketBytes = 64;

/// What `owner` leaves in parameter `index` in round `round`: values that no sum would keep as they
/// are.
at::Tensor values_of(int owner, size_t index, int round, at::IntArrayRef shape) {
  const at::Tensor values = at::empty(shape, at::kFloat);
  float* data = values.data_ptr<float>();
  for (int64_t i = 0; i < values.numel(); ++i)
    data[i] = i == 0 ? -0.0F
              : i == 1
                  ? std::nanf("7")
                  : static_cast<float>(std::sin(1.0 + owner + 10.0 * static_cast<double>(index) +
                                                100.0 * round + 0.1 * static_cast<double>(i)));
  return values;
}

bool same_bits(const at::Tensor& a, const at::Tensor& b) {
  return a.nbytes() == b.nbytes() &&
         std::memcmp(a.const_data_ptr(), b.const_data_ptr(), a.nbytes()) == 0;
}

// Small ones share packets, the larger travel alone, and some ranks may own nothing.
TEST(WeightGather, BringsEveryRankTheOwnersBits) {
  Communicator& comm = test_comm();
  const std::vector<std::vector<int64_t>> shapes{{2, 3}, {4}, {5, 9}, {1}, {3, 2}, {2}, {64}};
  for (const int owners : {1, comm.size()}) {
    std::vector<Parameter> parameters;
    std::vector<int> owner_of;
    for (size_t i = 0; i < shapes.size(); ++i) {
      parameters.push_back(
          {concat("p", i), Role::kMatrix, at::full(shapes[i], 1e9).set_requires_grad(true)});
      owner_of.push_back(owners - 1 - static_cast<int>(i) % owners);
    }
    WeightGather gather(parameters, owner_of, comm.rank(), kPacketBytes);
    const auto transport = make_host_transport(comm);
    for (int round = 0; round < 3; ++round) {
      for (size_t i = 0; i < shapes.size(); ++i)
        if (owner_of[i] == comm.rank())
          parameters[i].tensor.detach().copy_(values_of(owner_of[i], i, round, shapes[i]));
      gather.run(*transport);
      for (size_t i = 0; i < shapes.size(); ++i)
        EXPECT_TRUE(
            same_bits(parameters[i].tensor.detach(), values_of(owner_of[i], i, round, shapes[i])))
            << "parameter " << i << " in round " << round;
    }
  }
}

TEST(WeightGather, AWeightThatIsNotContiguousIsRefused) {
  const std::vector<Parameter> parameters{
      {"p", Role::kMatrix, at::zeros({2, 3}).t().set_requires_grad(true)}};
  EXPECT_THROW(WeightGather(parameters, {0}, 0, kPacketBytes), Error);
}

}  // namespace
}  // namespace reprise
