// What curves need of a trace: signals, what a second pass gains, and what stood before each
// prediction. A trace is turned into this and let go.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "eval/gates/gate_expression.h"
#include "eval/stats/score.h"
#include "eval/trace/reader.h"

namespace reprise {

/// A value for each prediction, in the units of signal.h.
using SignalTable = std::map<Signal, std::vector<float>>;

/// The signals of a trace, by its columns; they are moved out of `tokens`. Those without a column
/// are left out.
SignalTable take_signals(TokenColumns& tokens);

/// Stands for the token read where the first of a document is predicted: no vocabulary has so many.
inline constexpr uint32_t kNothingRead = 1u << 16;

/// One split as an artifact scored it, one entry for each prediction, documents one after another.
struct ScoredSplit {
  SignalTable signals;
  std::vector<float> nll_base;     ///< nats
  std::vector<float> gain;         ///< nats that a second pass takes off; below 0 where it adds
  std::vector<uint32_t> read;      ///< token read to predict: the one before, or kNothingRead
  std::vector<uint32_t> position;  ///< of the token read in its document: 0, 1, ...
  std::vector<uint32_t> document;  ///< index into `none`
  DocumentScores none;             ///< per document, nothing refined
  std::vector<uint64_t> keys;      ///< per document: first eight bytes of its hash

  size_t size() const { return gain.size(); }
};

/// Of a trace with a second pass.
ScoredSplit take_split(Trace trace);

/// direction * signal of every term: larger is refined sooner.
std::vector<std::vector<float>> scores_of(const SignalTable& signals, const GateExpression& gate);

}  // namespace reprise
