"""What packing costs: bits per byte before and after, pass by pass, at 8 to 2 bits and ternary, by rounding and allocation.

    quantise.py PROGRAM TEXT FOLDER OUT      the built reprise, a file or folder of text, a scratch folder, the JSON file to write

Trains a recurrent and a static model, plain and for the packer (noise or fake quantisation of the export step, an entropy
penalty), and packs each to the bytes that rows of one width come to for the plain one. Every way of packing, and every training,
is held against the others at the same bytes. Takes two cores, one a family. Interrupted, it goes on with the runs that are
missing.
"""
import concurrent.futures
import json
import pathlib
import sys

from program import Program

TEXT, SCRATCH, OUT = pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]) / "quantise", pathlib.Path(sys.argv[4])
PROGRAM = Program(sys.argv[1], SCRATCH)
SHAPE = {"model.vocab": 1024, "model.heads": 4, "model.kv-heads": 2, "model.mlp-ratio": 2, "model.context": 256}
SHAPES = {
    "recurrent": {"model.family": "recurrent", "model.width": 176, "model.prelude": 1, "model.core": 2, "model.coda": 1,
                  "model.passes": 3},
    "static": {"model.family": "static", "model.width": 160, "model.prelude": 1, "model.core": 3, "model.coda": 1,
               "model.passes": 1},
}
OBJECTIVES = {"recurrent": {"train.objective": "deep-supervision"}, "static": {"train.objective": "final-only"}}
# Export bits: the width whose loss the training is to lessen.
TRAININGS = {"plain": {}, "noise": {"train.weight-noise": "uniform", "train.noisy-weights": "all", "train.export-bits": 4},
             "fake": {"train.weight-noise": "fake-quantise", "train.noisy-weights": "all", "train.export-bits": 4},
             "entropy": {"train.code-entropy": 0.02, "train.export-bits": 4}}
STEPS, SEQUENCES = 400, 8
WIDTHS, PACKER_WIDTHS = [8, 6, 5, 4, 3, 2], [4, 3, 2]  # of the plain models, and of those trained for the packer
GPTQ, NEAREST = {"pack.rounding": "gptq"}, {"pack.rounding": "nearest"}
FISHER, RELATIVE = {"pack.sensitivity": "fisher"}, {"pack.sensitivity": "relative"}
# Tables of tokens keep 8 bits where all other weights have the same, as in the public record.
UNIFORM = {"pack.allocation": "uniform", "pack.embedding-bits": 8}
TERNARY = {"pack.schemes": "ternary"} | RELATIVE
HAND = {"pack.allocation": "hand"}
# Beside these, the same bits for all weights, or all ternary; nearest and gptq.
WAYS = {"hand": HAND | NEAREST, "hand, gptq": HAND | GPTQ, "relative": NEAREST | RELATIVE, "allocated": NEAREST | FISHER,
        "allocated, gptq": GPTQ | FISHER}
ONLY_PLAIN = {"hand", "hand, gptq", "relative"}  # controls of the allocation, not of the training


def train(family, training):
    name = f"{family}.{training}"
    if not (SCRATCH / name / "train.json").exists():
        PROGRAM.train({**SHAPE, **SHAPES[family], **OBJECTIVES[family], **TRAININGS[training], "train.corpus": PROGRAM.corpus_of(TEXT),
                       "train.sequences": SEQUENCES, "train.steps": STEPS, "train.precision": "bf16"}, name, threads=1)
    return name


def pack(model, name, target, options):
    """Bytes, nats and errors by pass, of one file; kept beside it."""
    out = SCRATCH / "packed" / f"{model}.{name.replace(', ', '-').replace(' ', '-')}"
    summary = pathlib.Path(f"{out}.reprise.pack.json")
    if not summary.exists():
        PROGRAM.reprise("pack", {"pack.model": SCRATCH / model, "pack.corpus": PROGRAM.corpus_of(TEXT), "pack.out": f"{out}.reprise",
                                 "pack.bytes": target, "pack.refine-share": 0, "pack.compare-tokens": 32_768,
                                 **options}, threads=1)
    packed = json.loads(summary.read_text())
    chosen = packed["packing"]["chosen"]
    return {"bytes": packed["artifact"]["bytes"], "passes": packed["packing"]["loss"]["passes"],
            "rule": chosen["rule"]}


def pack_all_ways(model, label, same):
    """97 % of the bytes that the plain model takes without a target, which every way can fill, is the target of all."""
    family, training = model.split(".")
    plain = f"{family}.plain"
    target = pack(plain, f"{label}.free", 0, same | NEAREST)["bytes"] * 97 // 100
    ways = {way: pack(model, f"{label}.{way}", target, options) for way, options in
            {"same bits": same | NEAREST, "same bits, gptq": same | GPTQ, **WAYS}.items()
            if training == "plain" or way not in ONLY_PLAIN}
    print(model, label, target, {way: round(result["passes"][-1]["bpb_after"], 4) for way, result in ways.items()}, flush=True)
    return {"bytes": target, "ways": ways}


def table(model):
    plain, rows = model.endswith(".plain"), {}
    for bits in WIDTHS if plain else PACKER_WIDTHS:
        rows[f"{bits} bits"] = pack_all_ways(model, f"{bits} bits", UNIFORM | {"pack.max-bits": bits})
    if plain:
        rows["ternary"] = pack_all_ways(model, "ternary", TERNARY)
    return rows


def tables(family):
    return {model: table(model) for model in (train(family, training) for training in TRAININGS)}


def main():
    PROGRAM.corpus_of(TEXT)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        figures = {model: rows for family in pool.map(tables, SHAPES) for model, rows in family.items()}
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps({"command": "scripts/bench quantise", "revision": PROGRAM.revision(), "steps": STEPS,
                               "sequences": SEQUENCES, "shapes": SHAPES, "trainings": TRAININGS, "ways": WAYS,
                               "machine": PROGRAM.machine(), "models": figures}, indent=1) + "\n")


if __name__ == "__main__":
    main()
