#include "eval/report/page.h"

#include "base/error.h"
#include "eval/report/embedded.h"
#include "eval/report/template.h"

namespace reprise {
namespace {

using nlohmann::json;

std::string claim_card(const json& claim) {
  const auto text = [&](const char* field) {
    return escape_html(claim.at(field).get<std::string>());
  };
  const bool primary = claim.at("primary");
  return fill_template(embedded::claim_html(),
                       {{"verdict", text("verdict")},
                        {"id", text("id") + (primary ? ", the primary claim" : "")},
                        {"claim", text("claim")},
                        {"found", text("found")},
                        {"scope", text("scope")}});
}

/// The primary claim first.
std::string words(const json& verdict) {
  std::string first, others;
  for (const auto& claim : verdict.at("claims"))
    (claim.at("primary").get<bool>() ? first : others) += claim_card(claim);
  return first + others;
}

json chart_specifications() {
  return {{"forest", json::parse(embedded::forest_chart())},
          {"scores", json::parse(embedded::scores_chart())},
          {"corrections", json::parse(embedded::corrections_chart())},
          {"bytes", json::parse(embedded::bytes_chart())},
          {"curves", json::parse(embedded::curves_chart())}};
}

}  // namespace

std::string render_page(const ReportData& data) {
  const json shown{{"verdict", data.verdict},
                   {"ledgers", data.ledgers},
                   {"curves", data.curves},
                   {"documents", data.documents},
                   {"configuration_digest", data.configuration_digest}};
  return fill_template(embedded::page_html(),
                       {{"style", std::string(embedded::style_css())},
                        {"words", words(data.verdict)},
                        {"data", json_for_script(shown)},
                        {"charts", json_for_script(chart_specifications())},
                        {"vega", std::string(embedded::vega_js())},
                        {"vega-lite", std::string(embedded::vega_lite_js())},
                        {"vega-embed", std::string(embedded::vega_embed_js())},
                        {"tables", std::string(embedded::tables_js())},
                        {"charts-script", std::string(embedded::charts_js())},
                        {"heatmap", std::string(embedded::heatmap_js())}});
}

}  // namespace reprise
