// reprise report: a verdict as one HTML file.
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/file.h"
#include "base/file_lock.h"
#include "eval/report/byte_ledgers.h"
#include "eval/report/changed_documents.h"
#include "eval/report/labelled_file.h"
#include "eval/report/options.h"
#include "eval/report/page.h"
#include "eval/report/training_curves.h"
#include "launch/command.h"

namespace reprise {
namespace {

using nlohmann::json;

constexpr const char* kNoVerdict =
    ": not what reprise verdict writes; give the file it wrote to --verdict.out";

json read_verdict(const std::string& path) {
  const json verdict = json::parse(read_file(path), nullptr, /*allow_exceptions=*/false);
  require(verdict.is_object() && verdict.contains("claims") && verdict.contains("traces"),
          ExitCode::kBadInput, path, kNoVerdict);
  return verdict;
}

/// Everything that is read, but for the traces.
std::vector<std::filesystem::path> inputs_of(const ReportOptions& options) {
  std::vector<std::filesystem::path> inputs{options.verdict};
  if (!options.tokenizer.empty()) inputs.emplace_back(options.tokenizer);
  for (const auto* files : {&options.metrics, &options.ledgers})
    for (const auto& word : *files) inputs.push_back(parse_labelled_file(word).path);
  return inputs;
}

/// The traces of both arms, by their paths.
std::vector<std::filesystem::path> traces_of(const json& verdict) {
  std::vector<std::filesystem::path> traces;
  for (const auto& arm : verdict["traces"])
    for (const auto& trace : arm) traces.emplace_back(trace.at("path").get<std::string>());
  return traces;
}

/// The first trace of an arm: the seed whose tokens are shown.
std::optional<Trace> first_trace(const json& verdict, const char* arm) {
  const auto traces = verdict["traces"].value(arm, json::array());
  if (traces.empty()) return {};
  const std::string path = traces[0].at("path");
  Trace trace = read_trace(path);
  require(trace.attributes.configuration_digest == traces[0].at("configuration_digest") &&
              trace.attributes.artifact_sha256 == traces[0].at("artifact_sha256"),
          ExitCode::kBadInput, path,
          ": not the trace that the verdict read there; decide again, or give its own");
  return trace;
}

json read_documents(const json& verdict, const ReportOptions& options) {
  const auto recurrent = first_trace(verdict, "recurrent"), rival = first_trace(verdict, "static");
  if (options.tokenizer.empty() || !recurrent) return json::array();
  return changed_documents(*recurrent, rival ? &*rival : nullptr,
                           Tokenizer::load(options.tokenizer), {options.documents, options.tokens});
}

/// Adds the documents of the traces the verdict names, and renders.
std::string page_of(ReportData& data, const ReportOptions& options) {
  try {
    require_place_for(options.out, "--report.out", OutputKind::kFile, traces_of(data.verdict));
    data.documents = read_documents(data.verdict, options);
    return render_page(data);
  } catch (const json::exception&) {
    fail(ExitCode::kBadInput, options.verdict, kNoVerdict);
  }
}

}  // namespace

ExitCode run_report(std::span<const std::string> words, Communicator& comm) {
  ReportOptions options;
  OptionSet set("report", "write a verdict as one HTML file");
  set.add("report", options);
  if (!set.parse(words)) return ExitCode::kOk;
  require_agreement(comm, "the configuration", set.digest());
  if (comm.rank() != 0) return ExitCode::kOk;
  validate(options);
  require(!options.out.empty(), ExitCode::kUsage, "report.out names no file");
  require(!options.verdict.empty(), ExitCode::kUsage, "report.verdict names no file");
  require_place_for(options.out, "--report.out", OutputKind::kFile, inputs_of(options));

  ReportData data;
  data.verdict = read_verdict(options.verdict);
  data.ledgers = byte_rows(options.ledgers);
  data.curves = curve_rows(options.metrics, options.curve_points);
  data.configuration_digest = set.digest();
  const FileLock lock = lock_output(options.out);
  write_file(options.out, page_of(data, options));
  std::cout << options.out << "\n";
  return ExitCode::kOk;
}

}  // namespace reprise
