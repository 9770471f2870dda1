// Tokens coloured by how many bits a second pass, or the other arm, changed them. One tab stop a document; the arrow keys
// go from token to token.
"use strict";

const slicesByBit = [[1, "early"], [2, "rare"]];
const bits = (nats) => nats / Math.LN2;

// Comparisons a document can be coloured by: the scored likelihood minus this column.
const comparisons = {base: "second pass (gated − one pass)", static: "arms (gated − static)"};

function visible(piece) {
  const blank = (mark, rest = "") => [element("span", {class: "blank"}, mark), rest];
  if (piece === "<0x0A>" || piece === "\n") return blank("⏎", "\n");
  if (piece === "<0x09>" || piece === "\t") return blank("⇥", "\t");
  return piece.split(/([ \n\t])/).flatMap((part) =>
    part === " " ? blank("·") : part === "\n" ? blank("⏎", "\n") : part === "\t" ? blank("⇥", "\t") : part ? [part] : []);
}

function describe(doc, i) {
  const refined = doc.refined[i] ? "refined by the gate" : "not refined";
  const slices = slicesByBit.filter(([bit]) => doc.slices[i] & bit).map(([, name]) => name).join(", ") || "none";
  const entries = [
    ["token", JSON.stringify(doc.pieces[i])], ["position", doc.position + i],
    ["one pass", `${bits(doc.base[i]).toFixed(3)} bits`], ["gated", `${bits(doc.gated[i]).toFixed(3)} bits`],
    ["all refined", `${bits(doc.all[i]).toFixed(3)} bits`], ["random", `${bits(doc.random[i]).toFixed(3)} bits`],
  ];
  if (doc.static) entries.push(["static arm", `${bits(doc.static[i]).toFixed(3)} bits`]);
  entries.push(["gate", `${refined}, entropy ${doc.entropy[i].toFixed(3)} nats`], ["passes", doc.passes[i]],
               ["bytes", doc.bytes[i]], ["slices", slices]);
  return entries;
}

function inspect(inspector, doc, i) {
  inspector.replaceChildren(...describe(doc, i).map(([name, value]) => element("span", {}, element("b", {}, name + " "), String(value))));
}

// The change that takes the full colour: the 98th percentile, so that one outlier does not blanch the rest.
function fullColour(documents, against) {
  const changes = documents.flatMap((doc) => doc.gated.map((nats, i) => Math.abs(bits(nats - doc[against][i]))))
    .filter((change) => change > 0).sort((a, b) => a - b);
  return changes.length ? changes[Math.floor(0.98 * (changes.length - 1))] : 1;
}

function paint(tokens, doc, against, full) {
  tokens.forEach((token, i) => {
    const change = bits(doc.gated[i] - doc[against][i]);
    const strength = 0.7 * Math.min(1, Math.abs(change) / full);
    token.style.background = change === 0 ? "" : `rgba(var(--${change < 0 ? "better" : "worse"}), ${strength.toFixed(3)})`;
  });
}

function move(event, tokens) {
  const steps = {ArrowRight: 1, ArrowLeft: -1, ArrowDown: 10, ArrowUp: -10, Home: -Infinity, End: Infinity};
  if (!(event.key in steps)) return;
  event.preventDefault();
  const from = tokens.indexOf(document.activeElement);
  const to = Math.min(tokens.length - 1, Math.max(0, from + steps[event.key]));
  tokens[from].tabIndex = -1;
  tokens[to].tabIndex = 0;
  tokens[to].focus();
}

function documentBlock(doc, inspector) {
  const tokens = doc.pieces.map((piece, i) =>
    element("span", {tabindex: i === 0 ? 0 : -1, class: doc.refined[i] ? "token refined" : "token"}, ...visible(piece)));
  const show = (event) => {
    const token = event.target.closest(".token");
    if (!token) return;
    const i = tokens.indexOf(token);
    inspect(inspector, doc, i);
    token.setAttribute("aria-label", describe(doc, i).map((entry) => entry.join(": ")).join("; "));
  };
  const block = element("div", {class: "tokens", role: "group", "aria-label": `Tokens of document ${doc.hash}`}, ...tokens);
  block.addEventListener("mouseover", show);
  block.addEventListener("focusin", show);
  block.addEventListener("keydown", (event) => move(event, tokens));
  const part = doc.pieces.length < doc.tokens ? `, tokens ${doc.position} to ${doc.position + doc.pieces.length - 1} of ${count(doc.tokens)}` : "";
  const title = element("h3", {}, `${doc.domain} · ${doc.hash.slice(0, 12)} · ${signed(doc.change_bpb)} BPB by the second pass `
    + `(${doc.change_bits > 0 ? "+" : "−"}${Math.abs(doc.change_bits).toFixed(1)} bits on ${count(doc.total_bytes)} bytes${part})`);
  return {doc, tokens, node: element("article", {}, title, block)};
}

function heatmap(place, documents) {
  if (documents.length === 0) {
    place.append(element("p", {class: "absent"}, "The report was given no tokenizer, or no document changed."));
    return;
  }
  const inspector = element("div", {class: "inspector", role: "status", "aria-live": "polite"},
                            element("span", {}, "Point at a token, or tab to a document and use the arrow keys."));
  const blocks = documents.map((doc) => documentBlock(doc, inspector));
  const least = element("span"), most = element("span");
  const recolour = (against) => {
    const full = fullColour(documents, against);
    least.textContent = `−${full.toFixed(2)} bits, likelier`;
    most.textContent = `+${full.toFixed(2)} bits, less likely`;
    for (const {doc, tokens} of blocks) paint(tokens, doc, against, full);
  };
  const choices = Object.entries(comparisons).filter(([column]) => documents[0][column]).map(([column, words], i) => {
    const input = element("input", {type: "radio", name: "against", value: column, ...(i === 0 ? {checked: ""} : {})});
    input.addEventListener("change", () => recolour(column));
    return element("label", {}, input, " " + words);
  });
  const group = (title, wanted) => {
    const chosen = blocks.filter(({doc}) => wanted(doc.change_bits));
    return chosen.length ? [element("h3", {}, title), ...chosen.map(({node}) => node)] : [];
  };
  place.append(
    element("p", {}, "The documents of the recurrent arm that the gated second pass helped and harmed most, per byte. "
                     + "Underlined tokens were refined; blue became likelier, orange less likely."),
    element("div", {class: "controls"}, element("fieldset", {}, element("legend", {}, "Colour by"), ...choices),
            element("span", {class: "scale"}, least, element("i"), most)),
    ...group("Helped most", (change) => change < 0), ...group("Harmed most", (change) => change > 0), inspector);
  recolour("base");
}

heatmap(document.getElementById("heatmap"), report.documents);
