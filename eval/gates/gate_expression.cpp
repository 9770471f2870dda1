#include "eval/gates/gate_expression.h"

#include <algorithm>

namespace reprise {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

Signal parse_term(std::string_view term, std::string_view gate) {
  std::string known;
  for (const auto& [signal, name] : EnumNames<Signal>::names) {
    if (term == name) return signal;
    known += concat(known.empty() ? "" : ", ", name);
  }
  fail(ExitCode::kUsage, "the gate '", gate, "' names ",
       term.empty() ? "no signal where one is due" : concat("the unknown signal '", term, "'"),
       "; known are: ", known);
}

const char* input_of(Signal signal) {
  switch (signal) {
    case Signal::kEntropy:
    case Signal::kMaxProbability:
    case Signal::kMargin:
      return "coarse prediction";
    case Signal::kResidual:
    case Signal::kCosine:
    case Signal::kSecondOrder:
      return "states between the base passes";
    case Signal::kDivergence:
    case Signal::kEntropyChange:
    case Signal::kFlip:
    case Signal::kEarlyDisagreement:
      return "coarse prediction and the one before it";
    case Signal::kHead:
      return "score of the stored head";
    case Signal::kToken:
    case Signal::kFrequency:
      return "token read, by a table";
    case Signal::kPosition:
      return "position in the document";
  }
  return "?";
}

}  // namespace

GateExpression parse_gate(std::string_view text) {
  GateExpression gate;
  const bool any = text.find('|') != std::string_view::npos;
  require(!any || text.find('&') == std::string_view::npos, ExitCode::kUsage, "the gate '", text,
          "' mixes & and |; join its terms by one of them");
  gate.join = any ? Join::kAny : Join::kAll;
  for (size_t first = 0; first <= text.size();) {
    const size_t end = std::min(text.find(any ? '|' : '&', first), text.size());
    const Signal term = parse_term(trimmed(text.substr(first, end - first)), text);
    require(std::ranges::find(gate.terms, term) == gate.terms.end(), ExitCode::kUsage, "the gate '",
            text, "' names ", enum_name(term), " twice");
    gate.terms.push_back(term);
    first = end + 1;
  }
  std::ranges::sort(gate.terms);  // one gate has one name
  return gate;
}

std::string to_text(const GateExpression& gate) {
  std::string text;
  for (const Signal term : gate.terms)
    text += concat(text.empty() ? "" : gate.join == Join::kAll ? " & " : " | ", enum_name(term));
  return text;
}

std::vector<std::string> may_see(const GateExpression& gate) {
  std::vector<std::string> inputs{"own and earlier tokens"};
  for (const Signal term : gate.terms)
    if (std::ranges::find(inputs, input_of(term)) == inputs.end())
      inputs.emplace_back(input_of(term));
  return inputs;
}

float joint_margin(std::span<const float> scores, std::span<const float> thresholds, Join join) {
  float joint = join == Join::kAll ? kRefineNone : kRefineAll;  // of no term
  for (size_t t = 0; t < scores.size(); ++t) {
    const float margin = margin_over(scores[t], thresholds[t]);
    joint = join == Join::kAll ? std::min(joint, margin) : std::max(joint, margin);
  }
  return joint;
}

}  // namespace reprise
