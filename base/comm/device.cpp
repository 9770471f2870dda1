#include "base/comm/device.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace reprise {
namespace {

std::string machine_name() {
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  return name;
}

/// The same text on the ranks that see the same GPUs. A launcher may show each rank of a machine
/// its own (CUDA_VISIBLE_DEVICES): then all of them count from 0.
std::string group_of(const Gpus& gpus) {
  const char* visible = std::getenv("CUDA_VISIBLE_DEVICES");
  return concat(machine_name(), '\n', gpus.names.size(), '\n', visible ? visible : "");
}

/// The place of rank `rank` among the ranks of its group.
int place_in_group(const std::vector<std::string>& groups, int rank) {
  return static_cast<int>(
      std::count(groups.begin(), groups.begin() + rank, groups[static_cast<size_t>(rank)]));
}

/// Every rank looks at every group, so that all of them throw the same.
void require_one_each(const std::vector<std::string>& groups, std::string_view option) {
  for (const std::string& group : groups) {
    const auto ranks = std::ranges::count(groups, group);
    const size_t first = group.find('\n') + 1;
    const std::string gpus = group.substr(first, group.find('\n', first) - first);
    require(ranks <= std::stol(gpus), ExitCode::kUsage, ranks, " ranks of ",
            group.substr(0, first - 1), " share ", gpus, " GPU", gpus == "1" ? "" : "s",
            "; start at most one rank for each, or give --", option, " cpu");
  }
}

}  // namespace

void require_available(DeviceChoice choice, std::string_view option, const Gpus& gpus) {
  if (choice != DeviceChoice::kCuda) return;
  require(gpus.supported, ExitCode::kUsage, "--", option,
          " is cuda, but this program was built without CUDA; build it with the preset cuda, or "
          "give cpu or auto");
  require(!gpus.names.empty(), ExitCode::kUsage, "--", option, " is cuda, but ", machine_name(),
          " shows no GPU; look at nvidia-smi and CUDA_VISIBLE_DEVICES, or give cpu or auto");
}

ComputeDevice choose_device(DeviceChoice choice, std::string_view option, const Gpus& gpus,
                            Communicator& comm) {
  require_available(choice, option, gpus);
  const bool lacking = any_rank(comm, choice == DeviceChoice::kCpu || gpus.names.empty());
  if (lacking) return {};
  const std::vector<std::string> groups = gather_texts(comm, group_of(gpus));
  require_one_each(groups, option);
  const int place = place_in_group(groups, comm.rank());
  return {place, concat("cuda ", gpus.names[static_cast<size_t>(place)])};
}

void ask_gpu_libraries_for_the_same_bits() {
  for (const auto& [name, value] : {std::pair{"CUBLAS_WORKSPACE_CONFIG", ":4096:8"},
                                    {"NCCL_ALGO", "Ring"},
                                    {"NCCL_PROTO", "Simple"},
                                    {"NCCL_NVLS_ENABLE", "0"}})
    setenv(name, value, /*overwrite=*/0);
}

}  // namespace reprise
