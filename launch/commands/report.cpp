// reprise report: a verdict as one HTML file.
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/file.h"
#include "eval/report/byte_ledgers.h"
#include "eval/report/changed_documents.h"
#include "eval/report/options.h"
#include "eval/report/page.h"
#include "eval/report/training_curves.h"
#include "launch/command.h"

namespace reprise {
namespace {

using nlohmann::json;

json read_verdict(const std::string& path) {
  require(!path.empty(), ExitCode::kUsage, "report.verdict names no file");
  const json verdict = json::parse(read_file(path), nullptr, /*allow_exceptions=*/false);
  require(verdict.is_object() && verdict.contains("claims") && verdict.contains("traces"),
          ExitCode::kBadInput, path, ": not what reprise verdict writes");
  return verdict;
}

/// The first trace of an arm: the seed whose tokens are shown.
std::optional<Trace> first_trace(const json& verdict, const char* arm) {
  const auto traces = verdict["traces"].value(arm, json::array());
  if (traces.empty()) return {};
  return read_trace(traces[0].value("path", ""));
}

json read_documents(const json& verdict, const ReportOptions& options) {
  const auto recurrent = first_trace(verdict, "recurrent"), rival = first_trace(verdict, "static");
  if (options.tokenizer.empty() || !recurrent) return json::array();
  return changed_documents(*recurrent, rival ? &*rival : nullptr,
                           Tokenizer::load(options.tokenizer), {options.documents, options.tokens});
}

}  // namespace

ExitCode run_report(std::span<const std::string> words, Communicator& comm) {
  ReportOptions options;
  OptionSet set("report", "write a verdict as one HTML file");
  set.add("report", options);
  if (!set.parse(words) || comm.rank() != 0) return ExitCode::kOk;
  require(!options.out.empty(), ExitCode::kUsage, "report.out names no file");

  ReportData data;
  data.verdict = read_verdict(options.verdict);
  data.ledgers = byte_rows(options.ledgers);
  data.curves = curve_rows(options.metrics, options.curve_points);
  data.documents = read_documents(data.verdict, options);
  data.configuration_digest = set.digest();
  write_file(options.out, render_page(data));
  std::cout << options.out << "\n";
  return ExitCode::kOk;
}

}  // namespace reprise
