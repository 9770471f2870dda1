// What every part of the page is made of: elements without innerHTML (so that no text of a document is ever read as
// markup), tables, and the data the program put into the page.
"use strict";

const report = JSON.parse(document.getElementById("data").textContent);
const verdict = report.verdict;

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    if (value !== undefined) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

const signed = (value) => (value > 0 ? "+" : value < 0 ? "−" : "") + Math.abs(value).toFixed(5);
const plain = (value) => value.toFixed(5);
const count = (value) => value.toLocaleString("en");
const share = (value) => (100 * value).toFixed(2) + " %";
const range = (interval) => signed(interval[0]) + " to " + signed(interval[1]);

// A column: heading, value of a row, and its class ("number", "digest", or a function of the row).
function table(columns, rows) {
  const head = element("tr", {}, ...columns.map(([name, , kind]) =>
    element("th", {scope: "col", class: kind === "number" ? kind : undefined}, name)));
  const body = rows.map((row) => element("tr", {}, ...columns.map(([, value, kind]) =>
    element("td", {class: typeof kind === "function" ? kind(row) : kind}, String(value(row) ?? "")))));
  return element("table", {}, element("thead", {}, head), element("tbody", {}, ...body));
}

const measured = (value, words) => value === null ? "" : words(value);
// With the digits it takes to tell it from 100.
const percent = (confidence) => +(100 * confidence).toFixed(1 + Math.max(0, Math.ceil(-Math.log10(100 * (1 - confidence))))) + " %";

const contrastColumns = [
  ["difference, BPB", (row) => measured(row.difference_bpb, signed), "number"],
  ["interval", (row) => measured(row.interval_bpb, (interval) => `${range(interval)}, ${percent(row.confidence)}`), "number"],
];
const sampleColumns = [
  ["documents", (row) => count(row.documents), "number"],
  ["seeds", (row) => row.seeds, "number"],
];

function claimsTable() {
  const runs = (arm) => `${verdict.traces[arm].length} ${arm} run${verdict.traces[arm].length > 1 ? "s" : ""}`;
  const rows = verdict.claims.map((claim) => ({...claim.contrast, ...claim}));
  return table([
    ["claim", (row) => row.id + (row.primary ? " (primary)" : "")],
    ["says", (row) => row.claim],
    ["verdict", (row) => row.verdict, (row) => row.verdict],
    ...contrastColumns,
    ["rests on", (row) => [`${count(row.documents)} documents`, ...row.arms.map(runs)].join(", ")],
  ], rows);
}

function tracesTable() {
  const rows = Object.entries(verdict.traces).flatMap(([arm, traces]) => traces.map((trace) => ({arm, ...trace})));
  return table([
    ["arm", (row) => row.arm],
    ["artifact bytes", (row) => count(row.artifact_bytes), "number"],
    ["refined", (row) => share(row.refined_fraction), "number"],
    ["checks", (row) => Object.entries(row.checks).map(([name, check]) => name + (!check.run ? " not run" : check.passed ? " ✓" : " ✗")).join(", ")],
    ["artifact SHA-256", (row) => row.artifact_sha256, "digest"],
    ["trace", (row) => row.path, "digest"],
  ], rows);
}

const passes = [["base", "base passes"], ["signals", "signals"], ["gated", "second pass, gated"], ["random", "second pass, as many at random"],
                ["all", "second pass, everywhere"]];

function costsTable() {
  const rows = Object.entries(verdict.traces).flatMap(([arm, traces]) => traces.flatMap(({accounting}, seed) =>
    passes.filter(([name]) => accounting?.[name]?.seconds > 0).map(([name, words]) => (
      {arm, seed, words, ...accounting[name], ideal: name === "gated" ? accounting.sparse_over_ideal ?? null : null}))));
  const giga = (value) => count(+(value / 1e9).toFixed(1));
  return table([
    ["arm", (row) => `${row.arm}, ${row.seed + 1}`],
    ["pass", (row) => row.words],
    ["predictions", (row) => count(row.tokens), "number"],
    ["nominal GFLOP", (row) => giga(row.nominal_flops), "number"],
    ["executed GFLOP", (row) => giga(row.executed_flops), "number"],
    ["seconds", (row) => row.seconds.toFixed(2), "number"],
    ["peak MB", (row) => (row.peak_bytes / 1e6).toFixed(1), "number"],
    ["over ideal", (row) => measured(row.ideal, (ideal) => ideal.toFixed(2)), "number"],
  ], rows);
}

function factsTable() {
  const text = verdict.text;
  return table([["", (row) => row[0]], ["", (row) => row[1], "digest"]], [
    ["text", `${text.split}: ${count(text.documents)} documents, ${count(text.tokens)} tokens, ${count(text.bytes)} bytes`],
    ["corpus digest", text.corpus_digest],
    ["tokenizer SHA-256", text.tokenizer_sha256],
    ["margin, BPB", verdict.margin_bpb],
    ["study file", verdict.study?.path || "none"],
    ["study SHA-256", verdict.study?.sha256 || "none: the margin was not declared in a file"],
    ["verdict's configuration", verdict.configuration_digest],
    ["report's configuration", report.configuration_digest],
    ["program", `reprise ${verdict.version}`],
  ]);
}

const tables = {claims: claimsTable, costs: costsTable, traces: tracesTable, facts: factsTable};
for (const place of document.querySelectorAll("[data-table]")) place.append(tables[place.dataset.table]());
