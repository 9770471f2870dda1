// A training step's forward on a tape, operation for operation as models/network.cpp runs it: the
// passes (network_walk.cpp), then what is read out of them (readout_walk.cpp) and, where the model
// halts, the state that it is read out of (halting_walk.cpp).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "models/cost/layer_walk.h"
#include "models/cost/memory.h"
#include "models/cost/recorded.h"

namespace reprise {

class NetworkWalk {
 public:
  NetworkWalk(const ModelOptions& model, const MemoryCase& c);

  /// Once.
  StepMemory run();

 private:
  static std::string state_name(int64_t pass) { return concat("state ", pass); }
  double width() const { return static_cast<double>(model_.width); }
  double stream_bytes(const WalkedRows& rows) const { return walk_.bytes(rows.count, width()); }
  int64_t last_pass() const { return recorded_.passes - 1; }
  bool sums() const { return model_.readout == Readout::kSum; }
  bool halts() const { return model_.halting != Halting::kNone; }

  double tables_and_rows() const;
  TapeTensor embed();
  TapeTensor run_prelude(const WalkedRows& rows);
  void keep_stream(TapeTensor state);
  void run_passes(TapeTensor hidden, const WalkedRows& rows);
  TapeTensor run_pass(int64_t pass, TapeTensor before, const WalkedRows& rows);
  TapeTensor begin_pass(TapeTensor hidden, const WalkedRows& rows);
  TapeTensor end_pass(TapeTensor hidden, TapeTensor before, const WalkedRows& rows,
                      const std::string& name);

  // Readouts and losses, in readout_walk.cpp.
  std::string sum_name(int64_t pass) const;
  /// Of what a refinement pass begins with.
  std::string coarse_name() const { return halts() ? "coarse" : state_name(last_pass()); }
  TapeTensor run_coda(TapeTensor state, const WalkedRows& rows);
  void add_readout(int64_t pass, const WalkedRows& rows);
  void lose_coarse(const WalkedRows& rows);
  void lose_readout(int64_t pass, const WalkedRows& rows);
  void lose(TapeTensor features, double rows, const std::string& name = "");
  void refine(const WalkedRows& all);

  // Halting, in halting_walk.cpp. Passes count from 0.
  using NameOfPass = std::function<std::string(int64_t pass)>;
  static std::string handed_name(int64_t layer, int64_t pass) {
    return concat(skip_name(layer), " of pass ", pass);
  }
  int64_t first_halting() const;  ///< behind which positions may halt
  bool halts_skip(int64_t layer) const;
  /// Names of the gradients that wait for a pass, beside what the pass behind it gives.
  std::vector<std::string> gradients_of(int64_t pass) const;
  TapeTensor halt(const WalkedRows& rows);
  void score(const WalkedRows& rows);
  void halt_skips(TapeTensor weights, const WalkedRows& rows);
  void combine(TapeTensor weights, const WalkedRows& rows, const NameOfPass& name);
  void mix(TapeTensor weights, const WalkedRows& rows, const NameOfPass& name);
  void choose(const WalkedRows& rows, const NameOfPass& name);

  const ModelOptions& model_;
  PassPlan plan_;
  const MemoryCase& case_;
  RecordedRun recorded_;
  Tape tape_;
  LayerWalk walk_;
  double positions_;
  TapeTensor entered_ = 0;
  std::vector<TapeTensor> states_;  ///< behind each pass
  std::vector<TapeTensor> sums_;    ///< Readout::kSum: features up to each pass
  bool head_is_bound_ = false;
};

}  // namespace reprise
