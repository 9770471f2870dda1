#include "eval/report/embedded.h"

// The assembler copies each file between two labels; CMakeLists.txt lists them as dependencies of
// this source.
#define REPRISE_EMBED(name, path)                                                   \
  extern "C" const char reprise_embedded_##name[], reprise_embedded_##name##_end[]; \
  asm(".pushsection .rodata\n"                                                      \
      ".global reprise_embedded_" #name "\n.global reprise_embedded_" #name         \
      "_end\n"                                                                      \
      "reprise_embedded_" #name ":\n.incbin \"" path "\"\nreprise_embedded_" #name  \
      "_end:\n"                                                                     \
      ".byte 0\n.popsection\n");                                                    \
  std::string_view reprise::embedded::name() {                                      \
    return {reprise_embedded_##name, reprise_embedded_##name##_end};                \
  }

REPRISE_EMBED(page_html, REPRISE_REPORT_DIR "/page/page.html")
REPRISE_EMBED(claim_html, REPRISE_REPORT_DIR "/page/claim.html")
REPRISE_EMBED(style_css, REPRISE_REPORT_DIR "/page/style.css")
REPRISE_EMBED(tables_js, REPRISE_REPORT_DIR "/page/tables.js")
REPRISE_EMBED(charts_js, REPRISE_REPORT_DIR "/page/charts.js")
REPRISE_EMBED(heatmap_js, REPRISE_REPORT_DIR "/page/heatmap.js")
REPRISE_EMBED(forest_chart, REPRISE_REPORT_DIR "/charts/forest.vl.json")
REPRISE_EMBED(scores_chart, REPRISE_REPORT_DIR "/charts/scores.vl.json")
REPRISE_EMBED(corrections_chart, REPRISE_REPORT_DIR "/charts/corrections.vl.json")
REPRISE_EMBED(bytes_chart, REPRISE_REPORT_DIR "/charts/bytes.vl.json")
REPRISE_EMBED(curves_chart, REPRISE_REPORT_DIR "/charts/curves.vl.json")
REPRISE_EMBED(vega_js, REPRISE_VEGA_DIR "/vega-5.21.0.js")
REPRISE_EMBED(vega_lite_js, REPRISE_VEGA_DIR "/vega-lite-4.17.0.js")
REPRISE_EMBED(vega_embed_js, REPRISE_VEGA_DIR "/vega-embed-6.20.0.js")
