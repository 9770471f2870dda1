#include "tests/support/agreement.h"

#include <cstdio>
#include <utility>

#include "base/format.h"

namespace reprise {

Agreement::Agreement(std::unique_ptr<Communicator> comm, WatchdogOptions patience)
    : comm_(std::move(comm)), watchdog_(patience, comm_->rank()) {}

void Agreement::OnTestPartResult(const testing::TestPartResult& part) {
  if (!part.failed()) return;
  const char* file = part.file_name() ? part.file_name() : "unknown file";
  failures_ += concat(file, ":", part.line_number(), ": ", part.message(), "\n");
}

void Agreement::OnTestEnd(const testing::TestInfo& test) {
  const std::string mine = std::exchange(failures_, {});
  const std::string name = concat(test.test_suite_name(), ".", test.name());
  const auto watch = watchdog_.watch(
      concat("the end of test ", name, mine.empty() ? "" : concat(", which failed here:\n", mine)));

  bool failed = false;
  const std::vector<std::string> all = gather_texts(*comm_, mine);
  for (size_t rank = 0; rank < all.size(); ++rank) {
    if (all[rank].empty()) continue;
    failed = true;
    if (comm_->rank() == 0)
      std::printf("%s failed on rank %zu: %s", name.c_str(), rank, all[rank].c_str());
  }
  if (failed && mine.empty()) {
    ADD_FAILURE() << "failed on another rank";
    failures_.clear();  // which that line has just entered
  }
  std::fflush(stdout);
}

}  // namespace reprise
