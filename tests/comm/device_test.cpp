// Which rank takes which GPU, on machines made up: none of these tests needs a GPU.
#include "base/comm/device.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "tests/support/test_comm.h"

namespace reprise {
namespace {

using testing::HasSubstr;

const Gpus kNotBuilt{};
const Gpus kNone{.supported = true, .names = {}};

Gpus machine_with(int gpus) {
  Gpus found = kNone;
  for (int index = 0; index < gpus; ++index) found.names.push_back(concat("Model ", index));
  return found;
}

/// The line of the usage error that is thrown, or "".
template <class Call>
std::string usage_error(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    return error.what();
  }
  return "";
}

ComputeDevice choose(DeviceChoice choice, const Gpus& gpus) {
  return choose_device(choice, "train.device", gpus, test_comm());
}

TEST(Device, CpuIsTheHostWhateverThereIs) {
  for (const Gpus& gpus : {kNotBuilt, kNone, machine_with(8)}) {
    EXPECT_FALSE(choose(DeviceChoice::kCpu, gpus).on_gpu());
    EXPECT_EQ(choose(DeviceChoice::kCpu, gpus).name, "cpu");
  }
}

TEST(Device, AutoIsTheHostWhereThereIsNoGpu) {
  EXPECT_FALSE(choose(DeviceChoice::kAuto, kNotBuilt).on_gpu());
  EXPECT_FALSE(choose(DeviceChoice::kAuto, kNone).on_gpu());
}

TEST(Device, EveryRankOfAMachineTakesItsOwnGpuInOrder) {
  for (const DeviceChoice choice : {DeviceChoice::kAuto, DeviceChoice::kCuda}) {
    const ComputeDevice device = choose(choice, machine_with(4));
    EXPECT_EQ(device.gpu, test_comm().rank());
    EXPECT_EQ(device.name, concat("cuda Model ", test_comm().rank()));
  }
}

TEST(Device, ALauncherMayShowEveryRankAGpuOfItsOwn) {
  setenv("CUDA_VISIBLE_DEVICES", concat(test_comm().rank()).c_str(), 1);
  const ComputeDevice device = choose(DeviceChoice::kCuda, machine_with(1));
  unsetenv("CUDA_VISIBLE_DEVICES");
  EXPECT_EQ(device.gpu, 0);
}

TEST(Device, AutoIsTheHostForAllWhereOneRankSeesNoGpu) {
  if (test_comm().size() == 1) return;
  const bool last = test_comm().rank() == test_comm().size() - 1;
  EXPECT_FALSE(choose(DeviceChoice::kAuto, last ? kNone : machine_with(4)).on_gpu());
}

TEST(Device, RanksThatWouldShareAGpuAreRefusedOnEveryRank) {
  if (test_comm().size() == 1) return;
  const int gpus = test_comm().size() - 1;
  for (const DeviceChoice choice : {DeviceChoice::kAuto, DeviceChoice::kCuda})
    EXPECT_THAT(usage_error([&] { choose(choice, machine_with(gpus)); }),
                HasSubstr(concat("share ", gpus, gpus == 1 ? " GPU;" : " GPUs;")));
}

TEST(Device, CudaWithoutCudaSaysWhatToDo) {
  EXPECT_THAT(
      usage_error([] { require_available(DeviceChoice::kCuda, "train.device", kNotBuilt); }),
      HasSubstr("--train.device is cuda, but this program was built without CUDA"));
  EXPECT_THAT(usage_error([] { require_available(DeviceChoice::kCuda, "train.device", kNone); }),
              HasSubstr("shows no GPU"));
  EXPECT_EQ(usage_error([] { require_available(DeviceChoice::kAuto, "x", kNotBuilt); }), "");
}

TEST(Device, WhatThisMachineShowsIsWhatItIsBuiltFor) {
  const Gpus gpus = find_gpus();
#ifdef REPRISE_CUDA
  EXPECT_TRUE(gpus.supported);
#else
  EXPECT_FALSE(gpus.supported);
  EXPECT_TRUE(gpus.names.empty());
  EXPECT_THROW(start_gpu(0), Error);
#endif
}

}  // namespace
}  // namespace reprise
