// Puts rows into the chart specifications and draws them, each with the table behind it.
"use strict";

const specifications = JSON.parse(document.getElementById("specifications").textContent);

// What is drawn in currentColor follows the page in dark mode and in print, because the charts are SVG. The font has to be
// named, since Vega measures the labels with it.
const appearance = {
  background: null,
  font: getComputedStyle(document.body).fontFamily,
  view: {stroke: null},
  axis: {labelColor: "currentColor", titleColor: "currentColor", domainColor: "currentColor", tickColor: "currentColor",
         gridColor: "currentColor", gridOpacity: 0.12, domainOpacity: 0.4, tickOpacity: 0.4, labelFontSize: 12,
         titleFontSize: 12, titleFontWeight: "normal", titlePadding: 10, labelLimit: 320, labelOverlap: true},
  legend: {labelColor: "currentColor", titleColor: "currentColor", labelFontSize: 12, titleFontWeight: "normal", orient: "top",
           symbolBaseStrokeColor: "currentColor", symbolBaseFillColor: "currentColor"},
  header: {labelColor: "currentColor", titleColor: "currentColor"},
};

function forestRows() {
  const row = (claim, contrast, role, label) => ({
    ...contrast, label, role, claim: claim.id, low: contrast.interval_bpb?.[0], high: contrast.interval_bpb?.[1]});
  return verdict.claims.flatMap((claim) => [
    row(claim, claim.contrast, "claim", `${claim.id}: ${claim.contrast.name}`),
    ...claim.slices.map((slice) => row(claim, slice, "slice", `${claim.id}, slice ${slice.name}`)),
    ...claim.beside.map((other) => row(claim, other, "beside", `${claim.id}, beside: ${other.name}`)),
  ]);
}

const gateWords = {none: "one pass", gated: "gated second pass", random: "second pass at random", all: "second pass everywhere"};

function scoreRows() {
  return verdict.scores.map((score) => ({
    ...score, label: `${score.arm}, ${gateWords[score.gate]}`, low: score.interval_bpb[0], high: score.interval_bpb[1]}));
}

function correctionRows() {
  return verdict.corrections.map((row) => ({
    ...row, label: gateWords[row.gate], broken_left: -row.broken, wrong: row.fixed + row.still_wrong, right: row.broken + row.still_right}));
}

const charts = {
  forest: {
    rows: forestRows(),
    drawn: (row) => row.difference_bpb !== null,  // a slice without text has nothing to draw
    more: {margin: [{low: -verdict.margin_bpb, high: verdict.margin_bpb}]},
    columns: [["contrast", (row) => row.label], ["role", (row) => row.role],
              ["verdict", (row) => row.verdict ?? row.because, (row) => row.verdict ?? "absent"], ...contrastColumns, ...sampleColumns,
              ["delta-method SE", (row) => measured(row.delta_standard_error_bpb, plain), "number"],
              ["p, Holm", (row) => row.p_holm?.toFixed(4), "number"]],
  },
  scores: {
    rows: scoreRows(),
    columns: [["arm", (row) => row.label], ["BPB", (row) => plain(row.bpb), "number"],
              ["interval", (row) => `${plain(row.low)} to ${plain(row.high)}`, "number"],
              ["delta-method SE", (row) => plain(row.delta_standard_error_bpb), "number"],
              ["nats per token", (row) => row.nats_per_token.toFixed(4), "number"],
              ["seeds", (row) => row.seeds, "number"]],
  },
  corrections: {
    rows: correctionRows(),
    open: true,
    columns: [["second pass", (row) => row.label], ["refined", (row) => count(row.tokens), "number"],
              ["fixed", (row) => count(row.fixed), "number"], ["of wrong", (row) => share(row.fixed / (row.wrong || 1)), "number"],
              ["broken", (row) => count(row.broken), "number"], ["of right", (row) => share(row.broken / (row.right || 1)), "number"],
              ["bits saved", (row) => row.bits_saved.toFixed(1), "number"], ["bits lost", (row) => row.bits_lost.toFixed(1), "number"],
              ["net bits", (row) => row.bits_net.toFixed(1), "number"]],
  },
  bytes: {
    rows: report.ledgers,
    columns: [["artifact", (row) => row.artifact], ["part", (row) => `${row.group} ${row.part}`], ["as", (row) => row.cause],
              ["bytes", (row) => count(row.bytes), "number"], ["weights", (row) => row.weights ? count(row.weights) : "", "number"],
              ["bits a weight", (row) => row.weights ? (8 * row.bytes / row.weights).toFixed(2) : "", "number"]],
  },
  curves: {
    rows: report.curves,
    columns: [["run", (row) => row.run], ["measure", (row) => row.measure], ["to step", (row) => count(row.step), "number"],
              ["mean", (row) => row.value.toFixed(4), "number"]],
  },
};

async function draw(place) {
  const name = place.dataset.chart, {rows, drawn = () => true, more = {}, columns, open} = charts[name];
  if (rows.length === 0) {
    place.append(element("p", {class: "absent"}, "The report was given no data for this chart."));
    return;
  }
  const chart = element("div", {class: "chart", role: "img", "aria-label": specifications[name].description});
  const behind = element("details", open ? {open: ""} : {}, element("summary", {}, "The numbers"),
                         element("div", {class: "table"}, table(columns, rows)));
  place.append(chart, behind);
  // Errors only: of a height given in steps the compiler says at every chart that it will not fit it to the container.
  const {spec} = vegaLite.compile({...specifications[name], datasets: {rows: rows.filter(drawn), ...more}},
                                  {config: appearance, logger: vega.logger(vega.Error)});
  delete spec.$schema;  // Vega-Embed 6.20 takes "v5" for another version than 5.21 and says so on the console
  await vegaEmbed(chart, spec, {renderer: "svg", mode: "vega", downloadFileName: `reprise-${name}`,
                                actions: {export: true, source: false, compiled: false, editor: false}});
}

// A test waits for this attribute; a chart that cannot be drawn says so where it would stand.
Promise.all([...document.querySelectorAll("[data-chart]")].map((place) => draw(place).catch((error) => {
  place.append(element("p", {class: "absent"}, `This chart could not be drawn: ${error.message}`));
  console.error(error);
}))).then(() => document.body.setAttribute("data-drawn", ""));
