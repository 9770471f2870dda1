"""Models of every family, position by position: what the golden files of tests/models/golden_test.cpp are made by.

Written from the equations of docs/refinement.md, not from the C++: rotation is a complex product, attention an explicit loop
over heads and positions. `shape` is a dictionary of options (make_network_golden.py), `weights` one of tensors by name.
"""
import math

import torch

VOCAB, WIDTH, HEADS, KV_HEADS, MLP_RATIO = 13, 12, 3, 1, 2
SOFTCAP = 6.0
HEAD_WIDTH = WIDTH // HEADS
SEQUENCES, LENGTH = 2, 5


def layers_of(shape):
    return shape["prelude"] + shape["core"] + shape["coda"]


def norm(x):
    return x / torch.sqrt((x * x).mean(-1, keepdim=True) + 1e-6)


def rotate(x, position, shape):
    """Channels (i, i + R/2) of a head as one complex number, turned by position * base^(-2i/R)."""
    pairs = round(shape["rope_share"] * HEAD_WIDTH / 2)
    angles = position * torch.tensor([shape["rope_base"] ** (-i / pairs) for i in range(pairs)], dtype=torch.float64)
    turned = torch.complex(x[:pairs], x[pairs:2 * pairs]) * torch.polar(torch.ones_like(angles), angles)
    return torch.cat([turned.real, turned.imag, x[2 * pairs:]])


def head(projected, index):
    return projected[index * HEAD_WIDTH:(index + 1) * HEAD_WIDTH]


def choose(router, x, sets, top_k):
    """For each set, its experts with the largest logits and their sigmoids; row e * sets + s scores expert e."""
    logits = (router @ x).reshape(-1, sets)
    return [[(e, torch.sigmoid(logits[e, s])) for e in torch.argsort(-logits[:, s])[:top_k].tolist()]
            for s in range(sets)]


def philox(counter, key):
    """Philox4x32-10 (Salmon et al., SC 2011)."""
    for r in range(10):
        product0, product1 = 0xD2511F53 * counter[0], 0xCD9E8D57 * counter[2]
        counter = [product1 >> 32 ^ counter[1] ^ key[0], product1 & 0xFFFFFFFF,
                   product0 >> 32 ^ counter[3] ^ key[1], product0 & 0xFFFFFFFF]
        key = [(key[0] + 0x9E3779B9) & 0xFFFFFFFF, (key[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return counter


def chosen_terms(matrix, rows, terms, rank):
    """Vectors of the basis each row takes: Floyd's sample from stream (seed 0, purpose 9, the matrix's number)."""
    table = []
    for f in range(rows):
        row = []
        for k in range(terms):
            words = philox([f * terms + k, 0, matrix, 9], [0, 0])
            last = rank - terms + k
            drawn = (words[1] << 32 | words[0]) * (last + 1) >> 64
            row.append(last if drawn in row else drawn)
        table.append(sorted(row))
    return table


def attend(queries, keys, values):
    """One head's query against lists of what it may see."""
    scores = torch.stack([queries @ key for key in keys]) / math.sqrt(HEAD_WIDTH)
    shares = torch.exp(scores) / torch.exp(scores).sum()
    return sum(share * value for share, value in zip(shares, values))


def make_entry(w, normed, position, shape):
    """Keys and values of a position, by key/value head."""
    keys = w["attention.key"] @ normed
    if shape["attention_experts"] and "attention.value" not in w:
        taken = choose(w["attention.value.router"], normed, KV_HEADS, shape["attention_top_k"])
        values = torch.cat([sum(score * (head(w[f"attention.value.expert.{e}"], g) @ normed) for e, score in of_head)
                            for g, of_head in enumerate(taken)])
    else:
        values = w["attention.value"] @ normed
    return [(rotate(norm(head(keys, g)), position, shape), head(values, g)) for g in range(KV_HEADS)]


def layer_position(w, x, x0, position, shape, look):
    """A layer at one position. `look` is given a function that makes its keys and values, and gives all it sees."""
    pre = (lambda y: y) if shape["norm"] == "peri" else norm
    post = norm if shape["norm"] == "sandwich" else (lambda y: y)
    inside = norm if shape["projection_norm"] else (lambda y: y)
    x = w["mix"][0] * x + w["mix"][1] * x0
    normed = pre(x)
    entries = look(lambda: make_entry(w, normed, position, shape))
    queries = w["attention.query"] @ normed
    mixed = []
    for h in range(HEADS):
        query = rotate(norm(head(queries, h)), position, shape) * w["attention.gain"][h]
        seen = [entry[h * KV_HEADS // HEADS] for entry in entries]
        mixed.append(attend(query, [key for key, _ in seen], [value for _, value in seen]))
    gathered = inside(torch.cat(mixed))
    if shape["attention_experts"] and "attention.output" not in w:
        taken = choose(w["attention.output.router"], normed, HEADS, shape["attention_top_k"])
        output = sum(score * (head(w[f"attention.output.expert.{e}"].T, h).T @ head(gathered, h))
                     for h, of_head in enumerate(taken) for e, score in of_head)
    else:
        output = w["attention.output"] @ gathered
    x = x + w["attention.scale"] * post(output)
    return x + w["mlp.scale"] * post(mlp(w, pre(x), inside, shape))


def mlp(w, normed, inside, shape):
    if "mlp.router" not in w:
        return w["mlp.down"] @ inside(torch.clamp(w["mlp.up"] @ normed, min=0) ** 2)
    return sum(score * (w[f"mlp.down.expert.{e}"] @ inside(torch.clamp(w[f"mlp.up.expert.{e}"] @ normed, min=0) ** 2))
               for e, score in choose(w["mlp.router"], normed, 1, shape["top_k"])[0])


def appending(cache):
    """Looks at what `cache` holds and the position's own, which it keeps there."""
    def look(make):
        cache.append(make())
        return cache
    return look


RULES = ["coarse", "latest", "same-depth", "duo", "copy-state"]


class Sequence:
    """One sequence through the base passes, keeping the last pass's caches for the refinement pass."""

    def __init__(self, weights, tokens, shape):
        self.shape = shape
        layers, prelude, coda = layers_of(shape), shape["prelude"], shape["coda"]
        self.layers = [{name.split(".", 2)[2]: values for name, values in weights.items()
                        if name.startswith(f"layer.{layer}.")} for layer in range(layers)]
        self.weights = weights
        self.skips = weights.get("skips", [])
        self.embedding = self.table(weights, "embedding")
        self.head = self.embedding if shape["tied"] else self.table(weights, "head")
        self.embedded = [norm(self.embedding[token]) for token in tokens]
        self.core, self.coda = range(prelude, layers - coda), range(layers - coda, layers)
        self.caches = {}
        self.left = [[None] * len(tokens) for _ in range(layers)]  # what each layer gave last, by position
        hidden = self.run(range(prelude), self.embedded)
        self.entered = hidden
        states, sums = [], [torch.zeros(WIDTH, dtype=torch.float64)] * len(tokens)
        for p in range(shape["passes"]):
            made = self.run(self.core, [self.begin_pass(p, x, self.entered[t]) for t, x in enumerate(hidden)], p)
            hidden = [self.end_pass(p, *both) for both in zip(made, hidden)]
            states.append((hidden, [list(row) for row in self.left]))
            if shape["readout"] == "sum":
                sums = [total + norm(x) for total, x in zip(sums, self.run(self.coda, hidden))]
        self.hidden, self.left = self.halted(states) if shape["halting"] != "none" else (hidden, self.left)
        self.left_by_core = [list(row) for row in self.left]
        self.features = sums if shape["readout"] == "sum" else [norm(x) for x in self.run(self.coda, self.hidden)]

    def halted(self, states):
        """What every position takes of its states, and of what the layers left in those passes."""
        shares = [self.shares([hidden[t] for hidden, _ in states]) for t in range(len(states[0][0]))]
        take = lambda values: [None if values[0][t] is None else sum(share * row[t] for share, row in zip(shares[t], values))
                               for t in range(len(shares))]
        return take([hidden for hidden, _ in states]), [take([left[layer] for _, left in states])
                                                        for layer in range(layers_of(self.shape))]

    def shares(self, states):
        """The share of each pass in what one position takes."""
        floor, last = self.shape["floor"], len(states) - 1
        rates = [torch.zeros((), dtype=torch.float64) if p + 1 < floor else
                 torch.sigmoid(self.weights["halt.weight"] @ norm(x) + self.weights["halt.bias"][0]) for p, x in enumerate(states)]
        shares, spent, going_on = [], 0, 1
        for p, rate in enumerate(rates):
            if self.shape["halting"] == "exit":
                going_on = going_on * (1 - rate)
                halts = p == last or 1 - going_on >= self.shape["threshold"]
                shares.append(1 if halts else 0)
            else:
                halts = p == last or spent + rate >= 0.99
                shares.append(1 - spent if halts else rate)
                spent = spent + rate
            if halts:
                break
        return shares + [0] * (last + 1 - len(shares))

    @staticmethod
    def table(weights, name):
        """A row of the stream's width for every token."""
        projection = weights.get(f"{name}.projection")
        return weights[name] if projection is None else weights[name] @ projection.T

    def entered_layer(self, layer, x, left):
        """Layer E + i of a model with E skips begins with what layer E - 1 - i left."""
        skip = layer - len(self.skips)
        return x + self.skips[skip] * left[len(self.skips) - 1 - skip] if 0 <= skip < len(self.skips) else x

    def begin_pass(self, p, x, entered):
        w, kind = self.weights, self.shape["reinjection"]
        if kind == "mix":
            x = w["reinjection.mix"][0] * x + w["reinjection.mix"][1] * entered
        if kind == "project":
            x = w["reinjection.projection"] @ torch.cat([x, entered])
        if kind == "bounded":
            x = torch.exp(-torch.exp(w["reinjection.decay"])) * x + w["reinjection.gain"] * entered
        if self.shape["pass_embedding"]:
            x = x + w["pass.embedding"][p]
        return w["pass.scale"][p] * x + w["pass.shift"][p] if self.shape["film"] else x

    def end_pass(self, p, made, before):
        mixing = self.weights.get("pass.mixing")
        return made if mixing is None else mixing[p, 0] * made + mixing[p, 1] * before

    def layer_of_pass(self, layer, p):
        """The layer's weights, each with the pass's own change where it has one; MLPs built from the basis."""
        own = self.layers[layer]
        w = {name: values + own[f"{name}.lora.{p}.up"] @ own[f"{name}.lora.{p}.down"]
             if f"{name}.lora.{p}.up" in own else values for name, values in own.items()}
        w |= {name.removeprefix(f"pass.{p}."): values for name, values in own.items() if name.startswith(f"pass.{p}.")}
        if self.shape["basis_rank"]:
            up, down = (self.from_basis(w[f"mlp.{name}.terms"], 2 * layer + i) for i, name in enumerate(["up", "down"]))
            w |= {"mlp.up": up, "mlp.down": down.T}
        return w

    def from_basis(self, terms, matrix):
        basis, (rows, count) = self.weights["basis"], terms.shape
        chosen = chosen_terms(matrix, rows, count, basis.shape[0])
        return torch.stack([sum(terms[f, k] * basis[v] for k, v in enumerate(chosen[f])) for f in range(rows)])

    def run(self, layers, hidden, p=0):
        for layer in layers:
            cache = self.caches[layer] = []
            hidden = [layer_position(self.layer_of_pass(layer, p), self.entered_layer(layer, x, [row[t] for row in self.left]),
                                     self.embedded[t], t, self.shape, appending(cache)) for t, x in enumerate(hidden)]
            self.left[layer] = hidden
        return hidden

    def refine(self, positions, rule="coarse"):
        """Core once more, then the coda, at these positions, ascending: their readouts. `made` is K2, the caches are K1."""
        made, last = {layer: {} for layer in [*self.core, *self.coda]}, self.shape["passes"] - 1
        return [self.refine_position(t, rule, made, last) for t in positions]

    def refine_position(self, t, rule, made, last):
        x, left = self.begin_pass(last, self.hidden[t], self.entered[t]), [row[t] for row in self.left_by_core]
        for layer in [*self.core, *self.coda]:
            look = lambda make, layer=layer: self.seen(t, layer, rule, made[layer], make)
            x = layer_position(self.layer_of_pass(layer, last), self.entered_layer(layer, x, left), self.embedded[t], t,
                               self.shape, look)
            left[layer] = x
            if layer == self.core[-1]:
                x = self.end_pass(last, x, self.hidden[t])
        return self.features[t] + norm(x) if self.shape["readout"] == "sum" else norm(x)

    def seen(self, t, layer, rule, made, make):
        kept = self.caches[layer][:t + 1]
        if rule == "coarse":
            return kept
        made[t] = make()
        if rule == "same-depth":
            return [made[j] for j in sorted(made)]
        if rule == "duo":
            return kept + [made[j] for j in sorted(made)]
        if rule == "copy-state" and layer in self.core:
            kept = [self.halted_entry(layer, j) for j in range(t + 1)]
        return [made.get(j, kept[j]) for j in range(t + 1)]

    def halted_entry(self, layer, j):
        """Keys and values a layer of the core makes of the state in which position j enters the refinement pass."""
        last = self.shape["passes"] - 1
        w = self.layer_of_pass(layer, last)
        x = w["mix"][0] * self.begin_pass(last, self.hidden[j], self.entered[j]) + w["mix"][1] * self.embedded[j]
        return make_entry(w, x if self.shape["norm"] == "peri" else norm(x), j, self.shape)

    def write_back(self, refined):
        """Token by token; what a refined position makes takes the place of its keys in the last pass's caches."""
        shape, last = self.shape, self.shape["passes"] - 1
        pass_of = {**{("prelude", layer): [] for layer in range(shape["prelude"])},
                   **{(p, layer): [] for p in range(shape["passes"]) for layer in self.core},
                   **{("coda", layer): [] for layer in self.coda}}
        readouts = []
        for t, x0 in enumerate(self.embedded):
            def run(x, part, layers, p, look):
                for layer in layers:
                    x = layer_position(self.layer_of_pass(layer, p), x, x0, t, shape, look(pass_of[part, layer]))
                return x
            def replacing(cache):
                def look(make):
                    cache[t] = make()
                    return cache
                return look
            hidden = entered = run(x0, "prelude", range(shape["prelude"]), 0, appending)
            for p in range(shape["passes"]):
                hidden = self.end_pass(p, run(self.begin_pass(p, hidden, entered), p, self.core, p, appending), hidden)
            readout = norm(run(hidden, "coda", self.coda, 0, appending))
            if t in refined:
                again = self.end_pass(last, run(self.begin_pass(last, hidden, entered), last, self.core, last, replacing), hidden)
                readout = norm(run(again, "coda", self.coda, 0, replacing))
            readouts.append(readout)
        return readouts

    def logits(self, features):
        return SOFTCAP * torch.tanh(self.head @ features / SOFTCAP)
