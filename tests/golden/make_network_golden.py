"""Writes the golden files of tests/models/golden_test.cpp: weights, tokens, and what PyTorch makes of them.

    python tests/golden/make_network_golden.py      (PyTorch 2.11, NumPy)

The models are those of network_reference.py; every gradient comes from torch.autograd, all in double precision.
"""
import pathlib

import torch

from network_reference import (HEAD_WIDTH, HEADS, KV_HEADS, LENGTH, MLP_RATIO, RULES, SEQUENCES, SOFTCAP, VOCAB, WIDTH, Sequence,
                               layers_of)
from safetensors_file import write_safetensors

PLAIN = dict(prelude=1, core=2, coda=1, rank=0, tied=True, skips=False, norm="pre", projection_norm=False,
             reinjection="none", pass_embedding=False, film=False, pass_mixing=False, lora=0,
             experts=0, top_k=0, expert_width=0, attention_experts=0, attention_top_k=0, basis_rank=0, basis_terms=0,
             readout="last", halting="none", floor=1, threshold=0.5)
LOOPED = PLAIN | dict(family="recurrent", passes=2, rope_share=0.5, rope_base=100.0, core=1)
MODELS = {"static": PLAIN | dict(family="static", passes=1, rope_share=1.0, rope_base=10000.0),
          "recurrent": PLAIN | dict(family="recurrent", passes=3, rope_share=0.5, rope_base=100.0),
          "static_skips": PLAIN | dict(family="static", passes=1, rope_share=1.0, rope_base=10000.0, coda=2, skips=True),
          "recurrent_factorised": PLAIN | dict(family="recurrent", passes=2, rope_share=0.5, rope_base=100.0, rank=5,
                                               tied=False, skips=True),
          "recurrent_project": LOOPED | dict(reinjection="project", film=True, norm="sandwich"),
          "recurrent_bounded": LOOPED | dict(reinjection="bounded", norm="peri", projection_norm=True),
          "recurrent_lora": LOOPED | dict(reinjection="mix", pass_embedding=True, lora=2),
          "relaxed": LOOPED | dict(family="relaxed", lora=6, pass_mixing=True),  # above a matrix's rank, 4
          "moe": LOOPED | dict(family="moe", experts=5, top_k=2, expert_width=8),
          "moe_attention": LOOPED | dict(family="moe", core=2, coda=0, experts=3, top_k=2, expert_width=8,
                                         attention_experts=3, attention_top_k=2, projection_norm=True),
          "partial": PLAIN | dict(family="partial", passes=1, rope_share=1.0, rope_base=10000.0, core=1, basis_rank=7,
                                  basis_terms=3),
          "recurrent_sum": LOOPED | dict(readout="sum", passes=3, coda=2),
          "recurrent_mixture": LOOPED | dict(halting="mixture", passes=3, core=2, skips=True),
          "recurrent_exit": LOOPED | dict(halting="exit", passes=4, core=2, floor=2, threshold=0.9, skips=True)}


def make_weights(shape, generator):
    def normal(deviation, mean, *shape):
        values = mean + deviation * torch.randn(*shape, generator=generator, dtype=torch.float64)
        return values.float().double().requires_grad_()  # what the file can hold

    kv_width = KV_HEADS * HEAD_WIDTH
    def table(name):
        rank = shape["rank"]
        weights = {name: normal(0.5, 0, VOCAB, rank or WIDTH)}
        return weights | ({f"{name}.projection": normal(0.3, 0, WIDTH, rank)} if rank else {})

    def mixture(name, experts, rows, columns):
        """A matrix of each expert."""
        return {f"{name}.expert.{e}": normal(0.4, 0, rows, columns) for e in range(experts)}

    weights = table("embedding")
    if shape["basis_rank"]:
        weights["basis"] = normal(0.4, 0, shape["basis_rank"], WIDTH)
    for layer in range(layers_of(shape)):
        core = 0 <= layer - shape["prelude"] < shape["core"]
        hidden, experts, in_attention = MLP_RATIO * WIDTH, shape["experts"], shape["attention_experts"]
        of_layer = {"mix": normal(0.3, 0.6, 2, WIDTH),
                    "attention.query": normal(0.4, 0, WIDTH, WIDTH),
                    "attention.key": normal(0.4, 0, kv_width, WIDTH)}
        if core and in_attention:
            of_layer |= {"attention.value.router": normal(0.7, 0, in_attention * KV_HEADS, WIDTH),
                         "attention.output.router": normal(0.7, 0, in_attention * HEADS, WIDTH)}
            of_layer |= mixture("attention.value", in_attention, kv_width, WIDTH)
            of_layer |= mixture("attention.output", in_attention, WIDTH, WIDTH)
        else:
            of_layer |= {"attention.value": normal(0.4, 0, kv_width, WIDTH),
                         "attention.output": normal(0.4, 0, WIDTH, WIDTH)}
        of_layer |= {"attention.gain": normal(0.3, 1.5, HEADS),
                     "attention.scale": normal(0.3, 1, WIDTH)}
        if core and experts:
            of_layer["mlp.router"] = normal(0.7, 0, experts, WIDTH)
            of_layer |= mixture("mlp.up", experts, shape["expert_width"], WIDTH)
            of_layer |= mixture("mlp.down", experts, WIDTH, shape["expert_width"])
        elif shape["basis_rank"]:
            of_layer |= {"mlp.up.terms": normal(0.45, 0, hidden, shape["basis_terms"]),
                         "mlp.down.terms": normal(0.45, 0, hidden, shape["basis_terms"])}
        else:
            of_layer |= {"mlp.up": normal(0.4, 0, hidden, WIDTH), "mlp.down": normal(0.4, 0, WIDTH, hidden)}
        of_layer["mlp.scale"] = normal(0.3, 1, WIDTH)
        if core and shape["lora"]:
            for name in [name for name, values in of_layer.items() if values.dim() == 2 and name != "mix"]:
                rows, columns = of_layer[name].shape
                rank = min(shape["lora"], rows, columns)
                for p in range(shape["passes"]):
                    of_layer[f"{name}.lora.{p}.down"] = normal(0.3, 0, rank, columns)
                    of_layer[f"{name}.lora.{p}.up"] = normal(0.3, 0, rows, rank)
        if core and shape["family"] == "relaxed":  # scalars are each pass's own
            for name in ["mix", "attention.gain", "attention.scale", "mlp.scale"]:
                values = of_layer.pop(name)
                for p in range(shape["passes"]):
                    of_layer[f"pass.{p}.{name}"] = normal(0.3, values.mean().item(), *values.shape)
        weights |= {f"layer.{layer}.{name}": values for name, values in of_layer.items()}
    if shape["reinjection"] == "mix":
        weights["reinjection.mix"] = normal(0.3, 0.6, 2, WIDTH)
    if shape["reinjection"] == "project":
        weights["reinjection.projection"] = normal(0.3, 0, WIDTH, 2 * WIDTH)
    if shape["reinjection"] == "bounded":
        weights |= {"reinjection.decay": normal(0.5, -1, WIDTH), "reinjection.gain": normal(0.3, 0.5, WIDTH)}
    if shape["pass_embedding"]:
        weights["pass.embedding"] = normal(0.3, 0, shape["passes"], WIDTH)
    if shape["film"]:
        weights |= {"pass.scale": normal(0.3, 1, shape["passes"], WIDTH),
                    "pass.shift": normal(0.3, 0, shape["passes"], WIDTH)}
    if shape["pass_mixing"]:
        weights["pass.mixing"] = normal(0.3, 0.6, shape["passes"], 2)
    if shape["halting"] != "none":
        weights |= {"halt.weight": normal(0.4, 0, WIDTH), "halt.bias": normal(0.3, 1.8, 1)}
    if shape["skips"]:
        weights["skips"] = normal(0.3, 0.6, layers_of(shape) // 2, WIDTH)
    return weights | ({} if shape["tied"] else table("head"))


def nats(logits, target):
    return torch.log(torch.exp(logits).sum()) - logits[target]


def compute(shape, generator):
    weights = make_weights(shape, generator)
    stream = torch.randint(VOCAB, (SEQUENCES, LENGTH + 1), generator=generator)
    tokens, targets = stream[:, :-1], stream[:, 1:]
    rows = [1, 4, 5, 8]
    sequences = [Sequence(weights, row.tolist(), shape) for row in tokens]
    logits = [[s.logits(x) for x in s.features] for s in sequences]
    refined_in = lambda b: [row % LENGTH for row in rows if row // LENGTH == b]
    refine = lambda rule: [s.logits(x) for b, s in enumerate(sequences) for x in s.refine(refined_in(b), rule)]
    refined = refine("coarse")
    base_nats = [[nats(logits[b][t], targets[b, t]) for t in range(LENGTH)] for b in range(SEQUENCES)]
    refined_nats = [nats(x, targets.flatten()[row]) for x, row in zip(refined, rows)]
    loss = sum(sum(row) for row in base_nats) / (SEQUENCES * LENGTH) + sum(refined_nats) / len(rows)
    loss.backward()
    arrays = {"tokens": tokens, "targets": targets, "rows": torch.tensor(rows),
              "logits": torch.stack([torch.stack(row) for row in logits]), "refined_logits": torch.stack(refined),
              "nats": torch.stack([torch.stack(row) for row in base_nats]), "refined_nats": torch.stack(refined_nats),
              "loss": loss}
    with torch.no_grad():
        arrays |= {f"refined_logits.{rule}": torch.stack(refine(rule)) for rule in RULES[1:]}
        if shape["readout"] == "last" and shape["halting"] == "none" and not shape["skips"]:
            arrays["written_back_logits"] = torch.stack([torch.stack([s.logits(x) for x in s.write_back(refined_in(b))])
                                                         for b, s in enumerate(sequences)])
    arrays |= {f"weight.{name}": values for name, values in weights.items()}
    arrays |= {f"gradient.{name}": values.grad for name, values in weights.items() if values.grad is not None}
    return arrays


def main():
    generator = torch.Generator().manual_seed(20)
    for model, shape in MODELS.items():
        metadata = {"family": shape["family"], "vocab": VOCAB, "width": WIDTH, "heads": HEADS, "kv-heads": KV_HEADS,
                    "mlp-ratio": MLP_RATIO, "prelude": shape["prelude"], "core": shape["core"], "coda": shape["coda"], "context": LENGTH,
                    "softcap": SOFTCAP, "passes": shape["passes"], "rope-share": shape["rope_share"],
                    "rope-base": shape["rope_base"], "embedding-rank": shape["rank"],
                    "tied": str(shape["tied"]).lower(), "skips": str(shape["skips"]).lower(),
                    "norm": shape["norm"], "projection-norm": str(shape["projection_norm"]).lower(),
                    "reinjection": shape["reinjection"], "pass-embedding": str(shape["pass_embedding"]).lower(),
                    "film": str(shape["film"]).lower(), "pass-mixing": str(shape["pass_mixing"]).lower(),
                    "lora-rank": shape["lora"], "experts": shape["experts"], "top-k": shape["top_k"],
                    "expert-width": shape["expert_width"], "attention-experts": shape["attention_experts"],
                    "attention-top-k": shape["attention_top_k"], "basis-rank": shape["basis_rank"],
                    "basis-terms": shape["basis_terms"]}
        if shape["readout"] != "last":
            metadata["readout"] = shape["readout"]
        if shape["halting"] != "none":
            metadata |= {"halting": shape["halting"], "halt-threshold": shape["threshold"], "halt-floor": shape["floor"]}
        path = pathlib.Path(__file__).with_name(f"network_{model}.safetensors")
        write_safetensors(path, compute(shape, generator), {key: str(value) for key, value in metadata.items()})
        print(path, path.stat().st_size, "bytes")


main()
