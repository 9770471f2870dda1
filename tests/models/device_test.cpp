#include "models/device.h"

#include <gtest/gtest.h>

namespace reprise {
namespace {

TEST(MovedTo, IsTheTensorItselfWhereItLiesThere) {
  const at::Tensor tensor = at::zeros({2});
  EXPECT_TRUE(moved_to(at::kCPU, tensor).is_same(tensor));
  EXPECT_TRUE(moved_to(at::kMeta, tensor).is_meta());
}

TEST(TensorDevice, IsTheRanksGpuOrTheHost) {
  EXPECT_EQ(tensor_device({}), at::Device(at::kCPU));
  EXPECT_EQ(tensor_device({3, "cuda Model"}), at::Device(at::kCUDA, 3));
}

}  // namespace
}  // namespace reprise
