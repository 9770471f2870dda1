// What autograd holds, by bytes: operations in the order forward records them, the tensors they
// save, and, as backward walks them from the last to the first, the gradients on their way. It
// finds the most bytes there are at any time.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace reprise {

using TapeTensor = size_t;

/// Gradients of one tensor that several operations read wait, summed, for the operation that made
/// it; they are known by its name.
struct SharedGradient {
  std::string name;
  double bytes = 0;
};

struct Operation {
  std::vector<TapeTensor> saves = {};  ///< tensors, held until its backward has run
  double takes = 0;                    ///< gradients of its outputs, freed behind it
  double gives = 0;                    ///< gradients of its inputs that one operation takes
  std::vector<SharedGradient> shares = {};
  std::vector<std::string> takes_shared = {};
  double scratch = 0;  ///< only while its backward runs
};

class Tape {
 public:
  TapeTensor make(double bytes);  ///< a tensor, which counts while an operation saves it
  void keep(TapeTensor tensor);   ///< it counts to the end, whoever saves it
  void hold(double bytes);        ///< bytes that stay to the end
  void record(Operation operation);
  /// Forgets the operations from `first` on, as when nothing reads what they made.
  void forget(size_t first);
  size_t operations() const { return operations_.size(); }
  /// Bytes that are there for a moment.
  void pass_by(double bytes);
  void backward();

  double live() const { return live_; }
  double peak() const { return peak_; }

 private:
  struct Saved {
    double bytes = 0;
    int operations = 0;
  };
  void save(TapeTensor tensor);
  void release(const Operation& operation);
  void run_backward(const Operation& operation);

  std::vector<Saved> tensors_;
  std::vector<Operation> operations_;
  std::map<std::string, double> waiting_;
  double live_ = 0, peak_ = 0;
};

}  // namespace reprise
