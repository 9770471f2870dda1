// Options of `reprise report`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/options.h"

namespace reprise {

struct ReportOptions {
  std::string verdict;
  std::vector<std::string> metrics, ledgers;
  std::string tokenizer;
  int64_t documents = 8, tokens = 600;
  int64_t curve_points = 200;
  std::string out;

  template <class Visitor>
  void visit(Visitor&& field) {
    field("verdict", verdict, "file", "what `reprise verdict` wrote; it names the traces");
    field("metrics", metrics, "[label=]files", "metrics.jsonl of every training run");
    field("ledgers", ledgers, "[label=]files", "byte ledgers that `reprise pack` wrote");
    field("tokenizer", tokenizer, "file", "SentencePiece model of the traces' tokens");
    field("documents", documents, "documents", "most changed ones shown, half in each direction");
    field("tokens", tokens, "tokens", "shown of one document");
    field("curve-points", curve_points, "points", "kept of one training curve");
    field("out", out, "file", "where the page is written");
  }
};

/// Throws kUsage for what can be refused before any file is read.
void validate(const ReportOptions& options);

}  // namespace reprise
