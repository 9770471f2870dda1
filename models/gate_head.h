// The gate head: from what a position may see to one score, larger where a second look is worth
// more.
//
//   linear   s = w . z + b
//   mlp      s = w . max(W z + c, 0)^2 + b
//
// z are the inputs: the state (the readout after the gate's pass), the signals of its prediction
// (gate_signals()), or both, all of them of the position's own and earlier tokens.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "base/options.h"
#include "models/parameters.h"

namespace reprise {

enum class GateShape { kLinear, kMlp };
template <>
struct EnumNames<GateShape> {
  static constexpr std::array names{std::pair{GateShape::kLinear, "linear"},
                                    std::pair{GateShape::kMlp, "mlp"}};
};

enum class GateReads { kState, kSignals, kBoth };
template <>
struct EnumNames<GateReads> {
  static constexpr std::array names{std::pair{GateReads::kState, "state"},
                                    std::pair{GateReads::kSignals, "signals"},
                                    std::pair{GateReads::kBoth, "both"}};
};

struct HeadOptions {
  GateReads reads = GateReads::kBoth;
  GateShape shape = GateShape::kMlp;
  int64_t hidden = 32;

  template <class Visitor>
  void visit(Visitor&& field) {
    field("reads", reads, "",
          "what the head sees of a position: state: the readout after the gate's pass; signals: "
          "entropy, margin and largest probability of its prediction; both");
    field("head", shape, "", "linear, or mlp: one hidden layer with squared ReLU");
    field("hidden", hidden, "units", "mlp: width of the hidden layer");
  }

  bool reads_state() const { return reads != GateReads::kSignals; }
  bool reads_signals() const { return reads != GateReads::kState; }
};

/// Throws kUsage.
void validate(const HeadOptions& options);

/// Numbers the head reads of a position of a model of this width.
int64_t gate_inputs(const HeadOptions& options, int64_t width);

/// entropy / log V, margin (probability of the first minus the second token), largest probability:
/// all from 0 to 1.
inline constexpr int64_t kGateSignals = 3;

/// What the head reads, state first: of [..., D] and [..., kGateSignals] -> [..., I]. What it does
/// not read may be undefined.
at::Tensor gate_inputs(const HeadOptions& options, const at::Tensor& state,
                       const at::Tensor& signals);

class GateHead {
 public:
  /// Fresh weights, a pure function of the options and the seed: outputs and biases start at 0, so
  /// that every score does, and hidden weights are uniform in +-1/sqrt(inputs).
  GateHead(const HeadOptions& options, int64_t inputs, uint64_t seed, at::Device device = at::kCPU,
           at::ScalarType type = at::kFloat);

  /// The same weights in another type.
  GateHead to(at::ScalarType type) const;

  /// [..., I] -> [...], in the type of the weights; differentiable in them.
  at::Tensor scores(const at::Tensor& inputs) const;

  /// "hidden.weight" [H, I] and "hidden.bias" [H] of an mlp; "output.weight" [I] or [H],
  /// "output.bias" [1]. Weights are matrices by their role, which decay, biases scalars.
  const std::vector<Parameter>& list() const { return list_; }
  int64_t count() const;  ///< elements

 private:
  std::vector<Parameter> list_;
};

}  // namespace reprise
