// The report: one HTML file that holds its data, its style and the library that draws it, and
// fetches nothing.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace reprise {

struct ReportData {
  nlohmann::json verdict;            ///< verdict.json (docs/verdict.md)
  nlohmann::json ledgers;            ///< byte_rows()
  nlohmann::json curves;             ///< curve_rows()
  nlohmann::json documents;          ///< changed_documents()
  std::string configuration_digest;  ///< of the report's own options
};

/// Throws json::exception where `verdict` is not what `reprise verdict` writes.
std::string render_page(const ReportData& data);

}  // namespace reprise
