// The files a page is made of, carried inside the program: templates, style, scripts, chart
// specifications, and Vega, Vega-Lite and Vega-Embed from the altair_viewer wheel.
#pragma once

#include <string_view>

namespace reprise::embedded {

std::string_view page_html();
std::string_view claim_html();
std::string_view style_css();
std::string_view tables_js();
std::string_view charts_js();
std::string_view heatmap_js();

std::string_view forest_chart();
std::string_view scores_chart();
std::string_view corrections_chart();
std::string_view bytes_chart();
std::string_view curves_chart();

std::string_view vega_js();
std::string_view vega_lite_js();
std::string_view vega_embed_js();

}  // namespace reprise::embedded
