#include "eval/curves/split.h"

#include <charconv>

#include "base/error.h"

namespace reprise {
namespace {

uint64_t key_of(const std::string& hash) {
  uint64_t key = 0;
  std::from_chars(hash.data(), hash.data() + std::min<size_t>(16, hash.size()), key, 16);
  return key;
}

void add_text(const Trace& trace, ScoredSplit& split) {
  const auto& tokens = trace.tokens;
  split.read.reserve(tokens.token.size());
  split.position.reserve(tokens.token.size());
  for (size_t i = 0; i < tokens.token.size(); ++i) {
    const uint32_t position = tokens.position[i] - 1;
    split.position.push_back(position);
    split.read.push_back(position == 0 ? kNothingRead : tokens.token[i - 1]);
  }
}

void add_documents(const Trace& trace, ScoredSplit& split) {
  const auto& documents = trace.documents;
  for (size_t d = 0; d < documents.hash.size(); ++d) {
    split.none.push_back({{documents.nats_base[d]}, {static_cast<int64_t>(documents.bytes[d])}});
    split.keys.push_back(key_of(documents.hash[d]));
  }
}

}  // namespace

SignalTable take_signals(TokenColumns& tokens) {
  SignalTable signals;
  const auto take = [&](Signal signal, std::vector<float>& column) {
    if (!column.empty()) signals[signal] = std::move(column);
  };
  take(Signal::kEntropy, tokens.entropy_base);
  take(Signal::kMargin, tokens.margin_base);
  take(Signal::kMaxProbability, tokens.max_probability);
  take(Signal::kResidual, tokens.residual);
  take(Signal::kCosine, tokens.cosine);
  take(Signal::kDivergence, tokens.divergence);
  take(Signal::kEntropyChange, tokens.entropy_change);
  take(Signal::kSecondOrder, tokens.second_order);
  take(Signal::kEarlyDisagreement, tokens.early_disagreement);
  take(Signal::kHead, tokens.head_score);
  if (!tokens.flip.empty()) signals[Signal::kFlip] = {tokens.flip.begin(), tokens.flip.end()};
  return signals;
}

ScoredSplit take_split(Trace trace) {
  ScoredSplit split;
  split.signals = take_signals(trace.tokens);
  add_text(trace, split);
  add_documents(trace, split);
  split.document = std::move(trace.tokens.document);
  split.nll_base = std::move(trace.tokens.nll_base);
  split.gain = std::move(trace.tokens.nll_all);
  for (size_t i = 0; i < split.gain.size(); ++i) split.gain[i] = split.nll_base[i] - split.gain[i];
  return split;
}

std::vector<std::vector<float>> scores_of(const SignalTable& signals, const GateExpression& gate) {
  std::vector<std::vector<float>> terms;
  for (const Signal signal : gate.terms) {
    const auto found = signals.find(signal);
    require(found != signals.end(), ExitCode::kBadInput, "the gate '", to_text(gate), "' looks at ",
            enum_name(signal), ", of which the traces have no column: ",
            signal == Signal::kHead ? "the artifact stores no head; pack it with --pack.gate"
                                    : "evaluate with --eval.signals all");
    terms.push_back(found->second);
    if (direction(signal) < 0)
      for (float& score : terms.back()) score = -score;
  }
  return terms;
}

}  // namespace reprise
