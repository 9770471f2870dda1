// Options of `reprise curves`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/options.h"
#include "eval/gates/gate_expression.h"

namespace reprise {

struct CurvesOptions {
  std::string valid, test, out;
  std::vector<std::string> budgets{"0.01", "0.02", "0.05", "0.1", "0.2", "0.3", "0.5", "1"};
  std::vector<std::string> gates;
  int64_t draws = 2000, seed = 1;

  template <class Visitor>
  void visit(Visitor&& field) {
    field("valid", valid, "file", required("trace of the valid split, which thresholds come from"));
    field("test", test, "file", required("trace of the test split by the same artifact"));
    field("out", out, "file", "where the curves are written as JSON");
    field("budgets", budgets, "shares", "of predictions that are refined, each from 0 to 1");
    field("gates", gates, "expressions",
          "signals, or several joined by & or |; none: every signal that the traces have");
    field("draws", draws, "draws", "of the bootstrap over documents");
    field("seed", seed, "", "of the bootstrap and of the random controls");
  }
};

/// Throws kUsage for what can be refused before any trace is read.
void validate(const CurvesOptions& options);

/// Least first. Throws kUsage for a word that is no share, and for two alike.
std::vector<double> parse_budgets(const std::vector<std::string>& words,
                                  std::string_view option = "curves.budgets");

/// Throws kUsage for a word that is no gate, and for two alike.
std::vector<GateExpression> parse_gates(const std::vector<std::string>& words,
                                        std::string_view option = "curves.gates");

}  // namespace reprise
