// Gives each rank its device: the host, or one GPU that no other rank of its machine uses.
//
//   const ComputeDevice device = choose_device(choice, "train.device", find_gpus(), comm);
//   if (device.on_gpu()) start_gpu(device.gpu);
#pragma once

#include <string_view>

#include "base/comm/communicator.h"
#include "base/comm/gpu.h"
#include "base/device.h"

namespace reprise {

/// Throws kUsage where `choice` asks for a GPU and there is none; `option` is the name to blame.
/// Asks no other rank.
void require_available(DeviceChoice choice, std::string_view option, const Gpus& gpus);

/// The device of this rank; kAuto takes GPUs where every rank sees one. Ranks that see the same
/// GPUs (one machine, one CUDA_VISIBLE_DEVICES) take them in order. Collective; allocates nothing.
/// Throws kUsage as require_available() does, and on every rank where ranks would share a GPU.
ComputeDevice choose_device(DeviceChoice choice, std::string_view option, const Gpus& gpus,
                            Communicator& comm);

/// Before the GPU is started, where a run is to give the same bits each time: cuBLAS and NCCL
/// otherwise choose among algorithms by timing, memory or topology. Sets their environment
/// variables (docs/training.md) unless they are set already.
void ask_gpu_libraries_for_the_same_bits();

}  // namespace reprise
