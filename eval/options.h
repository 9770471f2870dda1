// Options of `reprise eval`.
#pragma once

#include <cstdint>
#include <string>

#include "base/device.h"
#include "base/options.h"
#include "data/corpus.h"
#include "models/network.h"

namespace reprise {

enum class Arithmetic { kFp32, kBf16 };
template <>
struct EnumNames<Arithmetic> {
  static constexpr std::array names{std::pair{Arithmetic::kFp32, "fp32"},
                                    std::pair{Arithmetic::kBf16, "bf16"}};
};

/// Whether a second pass is evaluated: kAuto does where the artifact carries a gate that refines
/// anything.
enum class Refine { kAuto, kOn, kOff };
template <>
struct EnumNames<Refine> {
  static constexpr std::array names{std::pair{Refine::kAuto, "auto"}, std::pair{Refine::kOn, "on"},
                                    std::pair{Refine::kOff, "off"}};
};

/// What a trace holds of the signals that gates may look at.
enum class RecordSignals { kAll, kGate };
template <>
struct EnumNames<RecordSignals> {
  static constexpr std::array names{std::pair{RecordSignals::kAll, "all"},
                                    std::pair{RecordSignals::kGate, "gate"}};
};

/// Most refinement passes of a position.
inline constexpr int64_t kMostRefinements = 64;

/// How text becomes predictions. The gate's threshold is a quantile of them, so that `reprise pack`
/// takes the same options, under the same names, to set it.
struct ScoringOptions {
  int64_t window = 0, stride = 0;
  int64_t unit_tokens = 8192, batch_tokens = 8192;
  Arithmetic precision = Arithmetic::kFp32;
  DeviceChoice device = DeviceChoice::kAuto;

  template <class Visitor>
  void visit(Visitor&& field) {
    field("window", window, "tokens", "longest context of a prediction; 0: the model's");
    field("stride", stride, "tokens",
          "step between the windows of a long document; 0: half a window");
    field("unit-tokens", unit_tokens, "tokens",
          "least work a rank takes at a time; part of the result's bits");
    field("batch-tokens", batch_tokens, "tokens",
          "most padded tokens of a batch; part of the result's bits");
    field("precision", precision, "",
          "arithmetic of the passes; predictions and sums are fp32 and fp64");
    field("device", device, "",
          "where the passes run: cuda takes one GPU a rank; auto: cuda in a program built for it, "
          "where every rank sees a GPU, else cpu; part of the result's bits");
  }
};

/// A KeyRule, or the artifact's.
enum class RuleChoice { kStored, kCoarse, kLatest, kSameDepth, kDuo, kCopyState };
template <>
struct EnumNames<RuleChoice> {
  static constexpr std::array names{
      std::pair{RuleChoice::kStored, "stored"}, std::pair{RuleChoice::kCoarse, "coarse"},
      std::pair{RuleChoice::kLatest, "latest"}, std::pair{RuleChoice::kSameDepth, "same-depth"},
      std::pair{RuleChoice::kDuo, "duo"},       std::pair{RuleChoice::kCopyState, "copy-state"}};
};
/// The choice by the rule's name, and the rule that a choice comes to.
RuleChoice choice_of(KeyRule rule);
KeyRule rule_of(RuleChoice choice, KeyRule stored);

struct EvalOptions : ScoringOptions {
  std::string artifact, corpus, out;
  Split split = Split::kTest;
  int64_t segment_units = 4;
  int64_t threads = 1;
  Refine refine = Refine::kAuto;
  RuleChoice key_rule = RuleChoice::kStored;
  CodaRun coda = CodaRun::kAgain;
  int64_t refinements = 1;
  RecordSignals signals = RecordSignals::kAll;
  std::string gate, curves;
  double budget = 0;
  int64_t early_tokens = 64;
  double rare_share = 0.1;
  int64_t check_windows = 4;
  int64_t seed = 1;

  template <class Visitor>
  void visit(Visitor&& field) {
    field("artifact", artifact, "file", "the packed model to score");
    field("corpus", corpus, "folder", "what `reprise data` wrote");
    field("out", out, "folder",
          "where trace.h5 and results.json are written; a killed run continues there");
    field("split", split, "", "documents to score");
    ScoringOptions::visit(field);
    field("segment-units", segment_units, "units",
          "most units a segment of the trace holds: what a kill can lose");
    field("threads", threads, "threads per rank",
          "threads of tensor work; part of the result's bits");
    field("refine", refine, "", "score the second pass; auto: where the artifact carries a gate");
    field("key-rule", key_rule, "",
          "what a refined token attends to (docs/refinement.md); stored: as in training, which the "
          "artifact carries");
    field("coda", coda, "",
          "again: for the refined tokens; once: behind all refinement for every token, so that the "
          "gate decides before there is a readout");
    field("refinements", refinements, "passes",
          "most refinement passes of a token: behind each the gate looks at the new readout and "
          "picks among the refined those that go on");
    field("signals", signals, "",
          "what the trace holds of signals, beside entropy, margin and largest probability: all, "
          "from which `reprise curves` draws every gate; or what the gate looks at, which is "
          "faster");
    field("gate", gate, "",
          "which gate: signals in words, as `entropy & residual`; empty: the artifact's");
    field("curves", curves, "file",
          "with --eval.gate: the record of `reprise curves` that holds its thresholds");
    field("budget", budget, "share", "with --eval.gate: the budget of that record to spend");
    field("early-tokens", early_tokens, "tokens",
          "slice early: positions of a document up to this one");
    field("rare-share", rare_share, "share",
          "slice rare: rarest token types that make up this share of the train split");
    field("check-windows", check_windows, "windows",
          "windows the causality and equality checks run on");
    field("seed", seed, "", "of the control, which draws as many tokens as the gate refines");
  }
};

/// Both throw kUsage, in one line, for values out of range and for a device this machine lacks.
void validate(const ScoringOptions& options);
void validate(const EvalOptions& options);

}  // namespace reprise
