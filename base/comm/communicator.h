// Collectives behind one small interface: one process (self), MPI on host memory, NCCL on device
// memory.
//
// Every member is collective: all ranks call it, in the same order. Calls block until the result
// may be read, except NcclCommunicator's, which enqueue on its stream. Every failure throws
// Error(kFailure) naming the call and the rank.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace reprise {

enum class Element { kByte, kInt64, kFloat32, kFloat64 };
enum class Reduction { kSum, kMin, kMax };

/// `count` elements at `data`: host memory, or device memory where the communicator says so. Not
/// owned.
struct Buffer {
  void* data = nullptr;
  int64_t count = 0;
  Element element = Element::kFloat32;

  static Buffer of(float* data, int64_t count) { return {data, count, Element::kFloat32}; }
  static Buffer of(double* data, int64_t count) { return {data, count, Element::kFloat64}; }
  static Buffer of(int64_t* data, int64_t count) { return {data, count, Element::kInt64}; }
  static Buffer of(uint8_t* data, int64_t count) { return {data, count, Element::kByte}; }
};

int64_t size_of(Element element);  ///< bytes

class Communicator {
 public:
  virtual ~Communicator() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;
  virtual std::string_view name() const = 0;  ///< "self", "mpi", "nccl"
  virtual bool on_device() const { return false; }

  virtual void all_reduce(Buffer buffer, Reduction reduction) = 0;  ///< in place
  virtual void broadcast(Buffer buffer, int root) = 0;              ///< in place
  /// `all` takes size() * mine.count elements, in rank order.
  virtual void all_gather(Buffer mine, void* all) = 0;
  virtual void barrier() = 0;

  /// The same ranks on a channel of its own, for use from another thread.
  virtual std::unique_ptr<Communicator> duplicate() = 0;
};

std::unique_ptr<Communicator> make_self_communicator();

// Conveniences over any communicator on host memory.
double sum_over_ranks(Communicator& comm, double value);
int64_t sum_over_ranks(Communicator& comm, int64_t value);
bool any_rank(Communicator& comm, bool value);
std::string broadcast_text(Communicator& comm, std::string text, int root = 0);
std::vector<std::string> gather_texts(Communicator& comm, const std::string& mine);

/// Runs `work`, which calls no collective, on every rank. Where it throws an Error on any, every
/// rank throws that of the lowest such rank: so none that goes on is ended in the middle of what
/// follows.
void together(Communicator& comm, const std::function<void()>& work);

/// Throws kUsage on every rank, naming the ranks that differ from rank 0, unless all pass the same
/// text.
void require_agreement(Communicator& comm, std::string_view what, const std::string& mine);

}  // namespace reprise
