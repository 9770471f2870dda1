#include "eval/curves/options.h"

#include <algorithm>
#include <charconv>

namespace reprise {

std::vector<double> parse_budgets(const std::vector<std::string>& words, std::string_view option) {
  std::vector<double> budgets;
  for (const auto& word : words) {
    double budget = -1;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), budget);
    require(error == std::errc() && end == word.data() + word.size() && budget >= 0 && budget <= 1,
            ExitCode::kUsage, option, ": '", word, "' is no share between 0 and 1");
    budgets.push_back(budget);
  }
  std::ranges::sort(budgets);
  require(!budgets.empty(), ExitCode::kUsage, option, " names none");
  require(std::ranges::adjacent_find(budgets) == budgets.end(), ExitCode::kUsage, option,
          " names a share twice");
  return budgets;
}

std::vector<GateExpression> parse_gates(const std::vector<std::string>& words,
                                        std::string_view option) {
  std::vector<GateExpression> gates;
  for (const auto& word : words) {
    gates.push_back(parse_gate(word));
    require(std::ranges::count(gates, gates.back()) == 1, ExitCode::kUsage, option, " names '",
            word, "' twice");
  }
  return gates;
}

void validate(const CurvesOptions& options) {
  const auto usage = [](bool condition, std::string_view line) {
    require(condition, ExitCode::kUsage, line);
  };
  usage(!options.valid.empty(), "curves.valid names no trace");
  usage(!options.test.empty(), "curves.test names no trace");
  usage(options.draws >= 100, "curves.draws must be at least 100 for an interval to mean anything");
  usage(options.seed >= 0, "curves.seed is negative");
  parse_budgets(options.budgets);
  parse_gates(options.gates);
}

}  // namespace reprise
