// A communicator of one rank: reductions and broadcasts leave the buffer as it is.
#include <cstring>

#include "base/comm/communicator.h"
#include "base/error.h"

namespace reprise {
namespace {

class SelfCommunicator : public Communicator {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  std::string_view name() const override { return "self"; }

  void all_reduce(Buffer, Reduction) override {}
  void broadcast(Buffer, int root) override {
    require(root == 0, ExitCode::kFailure, "broadcast from rank ", root, " of a single rank");
  }
  void all_gather(Buffer mine, void* all) override {
    if (mine.count > 0)
      std::memcpy(all, mine.data, static_cast<size_t>(mine.count * size_of(mine.element)));
  }
  void barrier() override {}
  std::unique_ptr<Communicator> duplicate() override { return make_self_communicator(); }
};

}  // namespace

std::unique_ptr<Communicator> make_self_communicator() {
  return std::make_unique<SelfCommunicator>();
}

}  // namespace reprise
