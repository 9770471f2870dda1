// The contract every communicator keeps: one set of tests, instantiated for each kind with a
// Subject.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/comm/communicator.h"

namespace reprise {

/// A communicator under test, and how bytes get to the memory it works on.
class Subject {
 public:
  virtual ~Subject() = default;
  virtual Communicator& comm() = 0;

  /// Copies `host` to the communicator's memory, calls `use` on the copy, waits for `comm` and
  /// copies back.
  virtual void on_copy(Communicator& comm, std::vector<std::byte>& host,
                       const std::function<void(void*)>& use) = 0;
};

/// A subject for a communicator on host memory: no copy, no waiting.
std::unique_ptr<Subject> host_subject(std::unique_ptr<Communicator> comm);

struct SubjectCase {
  std::string name;
  std::function<std::unique_ptr<Subject>()>
      make;             ///< collective; nullptr where this machine lacks what it needs
  std::string lacking;  ///< what is told then
};

/// Skips, and says so, where the subject is lacking.
class CommunicatorContract : public testing::TestWithParam<SubjectCase> {
 protected:
  void SetUp() override;
  Communicator& comm() { return subject_->comm(); }

  std::unique_ptr<Subject> subject_;
};

}  // namespace reprise
