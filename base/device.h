// The kinds of device a rank can compute on, as options and records name them. Which one a rank
// gets is base/comm/device.h's business.
#pragma once

#include <string>

#include "base/options.h"

namespace reprise {

enum class DeviceChoice { kAuto, kCpu, kCuda };
template <>
struct EnumNames<DeviceChoice> {
  static constexpr std::array names{std::pair{DeviceChoice::kAuto, "auto"},
                                    std::pair{DeviceChoice::kCpu, "cpu"},
                                    std::pair{DeviceChoice::kCuda, "cuda"}};
};

struct ComputeDevice {
  int gpu = -1;              ///< CUDA's index; -1: the host
  std::string name = "cpu";  ///< for records: "cpu", or "cuda" and the GPU's name
  bool on_gpu() const { return gpu >= 0; }
};

}  // namespace reprise
