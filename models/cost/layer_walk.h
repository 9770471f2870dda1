// One layer's forward on a tape, operation for operation as models/block.cpp runs it with the
// kernels of models/ops, and the weights it is bound to.
#pragma once

#include <c10/core/ScalarType.h>

#include <map>
#include <set>
#include <string>
#include <utility>

#include "models/cost/tape.h"
#include "models/parameter_shapes.h"
#include "models/pass_plan.h"

namespace reprise {

/// Bytes of fp32, the type of sums and of weights as they are trained.
inline constexpr double kWideBytes = 4;

/// Of the gradient of what a layer hands over by a skip.
inline std::string skip_name(int64_t layer) { return concat("skip ", layer); }

/// The rows a layer runs on.
struct WalkedRows {
  double count = 0;
  double keys = 0;  ///< positions that keys are kept of
  TapeTensor embedded = 0;
  bool makes_keys = true;  ///< or reads those that were made last
  /// Names of the gradients of what every layer, and every pass, reads again.
  std::string embedded_name = "x0", entered_name = "entered";
};

class LayerWalk {
 public:
  LayerWalk(const ModelOptions& model, at::ScalarType compute, Tape& tape);

  double bytes(double rows, double columns) const { return rows * columns * element_; }
  TapeTensor make(double rows, double columns) { return tape_.make(bytes(rows, columns)); }
  TapeTensor make_wide(double rows, double columns) {
    return tape_.make(rows * columns * kWideBytes);
  }
  double bound_bytes() const { return bound_bytes_; }
  /// Streams that skips hand over, by the layer that made them last.
  const std::map<int64_t, TapeTensor>& left() const { return left_; }

  /// Casts, where the arithmetic is not the weights' own: "embedding" or "head", and its
  /// projection.
  void bind_table(const std::string& name);
  void bind_matrix(const std::string& name, double elements);

  TapeTensor run_layers(const LayerRange& layers, int64_t own, TapeTensor hidden,
                        const WalkedRows& rows);
  /// Layers that run without a graph: what they leave.
  TapeTensor run_unrecorded(const LayerRange& layers, int64_t own, const WalkedRows& rows);

  struct Columns {
    double in, out;
  };
  /// A product with a weight. The gradient of `in` goes to the operation that made it, or, where
  /// others read it too, by the name of it.
  TapeTensor multiply(TapeTensor in, double rows, Columns columns, const std::string& weight,
                      const std::string& name_of_in = "");
  TapeTensor normalise(TapeTensor in, double rows, double columns);
  /// Of the sums over rows that the gradient of a weight per channel is.
  double channel_sums(double rows) const;

 private:
  /// One layer on its way: which, with which weights, on which rows.
  struct Place {
    const LayerPlan& plan;
    int64_t layer, own;
    const WalkedRows& rows;
  };
  /// What attention or an MLP reads.
  struct Normed {
    TapeTensor tensor;
    std::string name;
  };
  /// A mixture of experts: each of `sets` heads takes top_k of its own.
  struct Mixture {
    std::string name;  ///< "mlp", "value" or "output"
    double sets, experts, top_k;

    double choices() const { return sets * top_k; }  ///< of a row
  };
  struct Routed {
    double slots;               ///< rows of all experts
    TapeTensor places, shares;  ///< of each choice
  };

  bool casts() const { return element_ < kWideBytes; }
  std::string weight_name(const Place& at, const std::string& matrix) const;
  void bind(const Place& at);
  double bind_terms(const ParameterShape& terms, Operation& binding);
  TapeTensor enter(int64_t layer, TapeTensor hidden, const WalkedRows& rows);
  TapeTensor run_layer(const Place& at, TapeTensor hidden);
  TapeTensor project_heads(const Place& at, const Normed& normed);
  TapeTensor attend(const Place& at, const Normed& normed);
  TapeTensor project_output(const Place& at, const Normed& normed, TapeTensor mixed);
  TapeTensor feed_forward(const Place& at, const Normed& normed);

  // Experts, in expert_walk.cpp.
  std::vector<Mixture> mixtures_of(const LayerPlan& plan) const;
  Mixture mixture_of(const LayerPlan& plan, const std::string& name) const;
  double logged_bytes(const Mixture& mixture, double rows) const;
  Routed route(const Place& at, const Normed& normed, const Mixture& mixture);
  TapeTensor spread(const Routed& routed, double rows, double columns, const std::string& name);
  TapeTensor group(TapeTensor packed, const Routed& routed, Columns columns,
                   const std::string& weight, double experts);
  TapeTensor combine(TapeTensor packed, const Routed& routed, double columns, double row_bytes);
  void mix_values(const Place& at, const Normed& normed);
  TapeTensor mix_outputs(const Place& at, const Normed& normed);
  TapeTensor mix_mlp(const Place& at, const Normed& normed);

  const ModelOptions& model_;
  std::vector<LayerPlan> plans_;
  Tape& tape_;
  double element_, width_;
  double bound_bytes_ = 0;
  std::set<std::pair<int64_t, int64_t>> bound_;
  std::map<int64_t, TapeTensor> keys_;  ///< and values, by layer: made last
  std::map<int64_t, TapeTensor> left_;
};

}  // namespace reprise
