#include "tests/comm/contract.h"

#include <thread>
#include <utility>

#include "tests/comm/predictable.h"

namespace reprise {
namespace {

constexpr int64_t kCounts[] = {0, 1, 17, 4099};

class HostSubject : public Subject {
 public:
  explicit HostSubject(std::unique_ptr<Communicator> comm) : comm_(std::move(comm)) {}
  Communicator& comm() override { return *comm_; }
  void on_copy(Communicator&, std::vector<std::byte>& host,
               const std::function<void(void*)>& use) override {
    use(host.data());
  }

 private:
  std::unique_ptr<Communicator> comm_;
};

std::vector<std::byte> reduced(Subject& subject, Communicator& comm, Element element,
                               Reduction reduction, int64_t count) {
  auto bytes = predictable_input(element, comm.rank(), count);
  subject.on_copy(comm, bytes, [&](void* data) {
    comm.all_reduce({data, count, element}, reduction);
  });
  return bytes;
}

}  // namespace

std::unique_ptr<Subject> host_subject(std::unique_ptr<Communicator> comm) {
  return std::make_unique<HostSubject>(std::move(comm));
}

void CommunicatorContract::SetUp() {
  subject_ = GetParam().make();
  if (!subject_) GTEST_SKIP() << GetParam().lacking;
}

TEST_P(CommunicatorContract, RanksAreNumberedFromZero) {
  EXPECT_GE(comm().rank(), 0);
  EXPECT_LT(comm().rank(), comm().size());
  EXPECT_EQ(comm().name(), GetParam().name);
}

TEST_P(CommunicatorContract, AllReduceIsExactForEveryElementAndReduction) {
  for (const Element element : kElements)
    for (const Reduction reduction : kReductions)
      for (const int64_t count : kCounts)
        EXPECT_EQ(reduced(*subject_, comm(), element, reduction, count),
                  predictable_result(element, reduction, comm().size(), count))
            << "element " << static_cast<int>(element) << ", reduction "
            << static_cast<int>(reduction) << ", count " << count;
}

TEST_P(CommunicatorContract, BroadcastGivesTheRootsElements) {
  for (const Element element : kElements)
    for (const int64_t count : kCounts)
      for (int root = 0; root < comm().size(); ++root) {
        auto bytes = predictable_input(element, comm().rank(), count);
        subject_->on_copy(comm(), bytes, [&](void* data) {
          comm().broadcast({data, count, element}, root);
        });
        EXPECT_EQ(bytes, predictable_input(element, root, count)) << "root " << root;
      }
}

TEST_P(CommunicatorContract, AllGatherKeepsTheOrderOfRanks) {
  for (const Element element : kElements)
    for (const int64_t count : kCounts) {
      std::vector<std::byte> expected;
      for (int rank = 0; rank < comm().size(); ++rank) {
        const auto part = predictable_input(element, rank, count);
        expected.insert(expected.end(), part.begin(), part.end());
      }
      auto mine = predictable_input(element, comm().rank(), count);
      std::vector<std::byte> all(expected.size());
      subject_->on_copy(comm(), all, [&](void* all_data) {
        subject_->on_copy(comm(), mine, [&](void* data) {
          comm().all_gather({data, count, element}, all_data);
        });
      });
      EXPECT_EQ(all, expected) << "count " << count;
    }
}

TEST_P(CommunicatorContract, ANullBufferOfNoElementsIsFine) {
  const Buffer nothing{nullptr, 0, Element::kFloat32};
  comm().all_reduce(nothing, Reduction::kSum);
  comm().broadcast(nothing, comm().size() - 1);
  comm().all_gather(nothing, nullptr);
  comm().barrier();
}

TEST_P(CommunicatorContract, ADuplicateWorksInAnotherThreadAtTheSameTime) {
  const auto other = comm().duplicate();
  // Lengths differ, so that a message which strays to the other channel cannot go unnoticed.
  const auto count_wrong = [&](Communicator& on, int64_t first_count, Reduction reduction) {
    int wrong = 0;
    for (int64_t count = first_count; count < first_count + 100; ++count)
      wrong += reduced(*subject_, on, Element::kInt64, reduction, count) !=
               predictable_result(Element::kInt64, reduction, on.size(), count);
    return wrong;
  };
  int wrong_there = -1;
  std::thread thread([&] { wrong_there = count_wrong(*other, 1, Reduction::kSum); });
  const int wrong_here = count_wrong(comm(), 1001, Reduction::kMax);
  thread.join();
  EXPECT_EQ(wrong_here, 0);
  EXPECT_EQ(wrong_there, 0);
}

TEST_P(CommunicatorContract, ADuplicateHasTheSameRanksAndOutlivesItsOriginal) {
  const auto original = comm().duplicate();
  auto second = original->duplicate();
  EXPECT_EQ(second->rank(), comm().rank());
  EXPECT_EQ(second->size(), comm().size());
  EXPECT_EQ(second->on_device(), comm().on_device());
  const auto third = std::exchange(second, nullptr)->duplicate();
  EXPECT_EQ(reduced(*subject_, *third, Element::kFloat64, Reduction::kSum, 5),
            predictable_result(Element::kFloat64, Reduction::kSum, comm().size(), 5));
}

}  // namespace reprise
