"""What a second look is worth to a small model: bits per byte of every gate and control, by rule, over three seeds.

    look.py PROGRAM TEXT FOLDER OUT      the built reprise, a file or folder of text, a scratch folder, the JSON file to write

Trains a recurrent model with gated refinement under `coarse` and under `latest`, and a gate's head on each; packs both to the same
bytes, and scores the test split. Under `coarse` every gate is drawn from one evaluation of each split; under `latest` every gate is
run at each budget. The controls that have no gate (docs/alternatives.md) are scored for the models trained under `coarse`. Takes a core
for four hours. Interrupted, it goes on with the runs that are missing; OUT holds the parts that are finished.
"""
import json
import math
import pathlib
import statistics
import sys

from program import Program

TEXT, SCRATCH, OUT = pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]) / "look", pathlib.Path(sys.argv[4])
PROGRAM = Program(sys.argv[1], SCRATCH)
SEEDS, RULES, BUDGETS, BYTES = [1, 2, 3], ["coarse", "latest"], [0.1, 0.3], 900_000
MODEL = {"model.family": "recurrent", "model.width": 176, "model.vocab": 1024, "model.heads": 4, "model.kv-heads": 2,
         "model.mlp-ratio": 2, "model.context": 256, "model.prelude": 1, "model.core": 2, "model.coda": 1, "model.passes": 2}
TRAINING = {"train.steps": 1200, "train.sequences": 8, "train.precision": "bf16", "train.objective": "gated-refinement",
            "train.refine-share": 0.2}
GATES = "entropy,max-probability,margin,residual,cosine,divergence,entropy-change,flip,second-order,early-disagreement,head,token," \
        "frequency,position,entropy & residual,entropy | divergence"
HEAD = {"gate.target": "soft-gain", "gate.steps": 200, "gate.sequences": 16}
T_OF_THREE = 4.303  # Student's t, 2 degrees of freedom, 95 %


def artifact(rule, seed):
    name = f"{rule}.{seed}"
    if not (SCRATCH / name / "train.json").exists():
        PROGRAM.reprise("train", {**MODEL, **TRAINING, "train.corpus": PROGRAM.corpus_of(TEXT), "train.out": SCRATCH / name, "train.seed": seed,
                                  "train.key-rule": rule, "train.threads": 1}, threads=1)
    head = SCRATCH / f"{name}.gate"
    if not (head / "gate.json").exists():
        PROGRAM.reprise("gate", {**HEAD, "gate.model": SCRATCH / name, "gate.corpus": PROGRAM.corpus_of(TEXT), "gate.out": head,
                                 "gate.threads": 1}, threads=1)
    packed = SCRATCH / f"{name}.headed.reprise"
    if not packed.exists():
        PROGRAM.reprise("pack", {"pack.model": SCRATCH / name, "pack.corpus": PROGRAM.corpus_of(TEXT), "pack.out": packed, "pack.bytes": BYTES,
                                 "pack.refine-share": 0.1, "pack.gate": head}, threads=1)
    return packed


def evaluate(packed, split):
    """Under `coarse`, every position refined too, so that every gate can be drawn."""
    name = f"e.{packed.stem}.{split}"
    if not (SCRATCH / name / "results.json").exists():
        PROGRAM.reprise("eval", {"eval.artifact": packed, "eval.corpus": PROGRAM.corpus_of(TEXT), "eval.split": split, "eval.out": SCRATCH / name,
                                 "eval.key-rule": "coarse"}, threads=1)


def curves(packed):
    out = SCRATCH / f"{packed.stem}.curves.json"
    if not out.exists():
        for split in ["valid", "test"]:
            evaluate(packed, split)
        PROGRAM.reprise("curves", {"curves.valid": SCRATCH / f"e.{packed.stem}.valid/trace.h5", "curves.gates": GATES,
                                   "curves.test": SCRATCH / f"e.{packed.stem}.test/trace.h5", "curves.out": out}, threads=1)
    return json.loads(out.read_text())


def over_seeds(values):
    half = T_OF_THREE * statistics.stdev(values) / math.sqrt(len(values))
    return {"mean": statistics.mean(values), "interval": [statistics.mean(values) - half, statistics.mean(values) + half],
            "seeds": values}


def point(record, gate, budget):
    curve = next(curve for curve in record["gates"] if curve["gate"] == gate)
    return next(point for point in curve["points"] if point["budget"] == budget)


def drawn(records):
    """By gate and budget: what it takes off `none`, off matched draws, and what every control takes off; bits per byte."""
    gates = {}
    for gate in (curve["gate"] for curve in records[0]["gates"]):
        gates[gate] = {}
        for budget in BUDGETS:
            points = [point(record, gate, budget) for record in records]
            gates[gate][budget] = {
                "share": over_seeds([p["share"] for p in points]),
                "minus_none": over_seeds([p["minus_none"]["bpb"] for p in points]),
                "documents": [p["minus_none"]["interval_bpb"] for p in points],
                "minus_matched_random": over_seeds([p["minus_matched_random"]["bpb"] for p in points]),
                "controls_minus_none": {control: over_seeds([p["controls_minus_none"][control]["bpb"] for p in points])
                                        for control in points[0]["controls_minus_none"]}}
    return {"none": over_seeds([record["none"]["bpb"] for record in records]),
            "all": over_seeds([record["all"]["bpb"] for record in records]), "gates": gates}


def sweep(packed, rule, name, options):
    out = SCRATCH / f"{packed.stem}.{rule}.{name}.json"
    if not out.exists():
        PROGRAM.reprise("sweep", {"sweep.artifact": packed, "sweep.corpus": PROGRAM.corpus_of(TEXT), "sweep.out": out, "sweep.key-rule": rule,
                                  "sweep.curves": SCRATCH / f"{packed.stem}.curves.json", "sweep.budgets": ",".join(map(str, BUDGETS)),
                                  **options}, threads=1)
    return json.loads(out.read_text())


def swept(records):
    """By gate and budget: what its own passes take off none, and off each control on as many tokens of every window."""
    gates = {}
    for i, first in enumerate(records[0]["gates"]):
        runs = [record["gates"][i] for record in records]
        gates.setdefault(first["gate"], {})[first["budget"]] = {
            "share": over_seeds([run["share"] for run in runs]),
            "minus_none": over_seeds([run["minus_none"]["bpb"] for run in runs]),
            "documents": [run["minus_none"]["interval_bpb"] for run in runs],
            "minus_controls": {control: over_seeds([run["controls"][control]["gate_minus_this"]["bpb"] for run in runs])
                               for control in first["controls"]}}
    return {"none": over_seeds([record["none"]["bpb"] for record in records]),
            "all_minus_none": over_seeds([record["all_minus_none"]["bpb"] for record in records]), "gates": gates}


def run_under(rule, packed):
    """Every gate beside random draws; the entropy gate beside every control."""
    return {"gates": swept([sweep(path, rule, "sweep", {"sweep.controls": "random"}) for path in packed]),
            "controls": swept([sweep(path, rule, "controls", {"sweep.gates": "entropy"}) for path in packed])}


def alternatives(packed, second):
    """C6 and C21: what no gate, or another use of the same operations, gives."""
    out = SCRATCH / f"{packed.stem}.alternatives.json"
    if not out.exists():
        PROGRAM.reprise("alternatives", {"alternatives.artifact": packed, "alternatives.second": second,
                                         "alternatives.corpus": PROGRAM.corpus_of(TEXT), "alternatives.out": out,
                                         "alternatives.trajectories": "2", "alternatives.noise": "0.02"}, threads=1)
    return json.loads(out.read_text())


def arms_over_seeds(records):
    return {arm["arm"]: over_seeds([next(a for a in r["arms"] if a["arm"] == arm["arm"])["minus_none"]["bpb"] for r in records])
            for arm in records[0]["arms"] if arm["arm"] != "none"}


def write(trained):
    OUT.write_text(json.dumps({"command": "scripts/bench look TEXT", "revision": PROGRAM.revision(), "machine": PROGRAM.machine(),
                               "text": TEXT.name, "bytes": BYTES, "model": MODEL, "training": TRAINING, "trained_with": trained},
                              indent=1) + "\n")


def main():
    """The file grows with every part that is finished."""
    packed = {rule: [artifact(rule, seed) for seed in SEEDS] for rule in RULES}
    trained = {}
    for rule in RULES:
        trained[rule] = {"drawn_under_coarse": drawn([curves(path) for path in packed[rule]])}
        write(trained)
        for gate, of in trained[rule]["drawn_under_coarse"]["gates"].items():
            print(f"trained with {rule:7} {gate:22}", *(f"{budget}: {of[budget]['minus_none']['mean']:+.5f}" for budget in BUDGETS),
                  flush=True)
    for rule in reversed(RULES):
        trained[rule]["run_under_latest"] = run_under("latest", packed[rule])
        write(trained)
    models = packed["coarse"]
    records = [alternatives(own, models[(i + 1) % len(models)]) for i, own in enumerate(models)]
    trained["coarse"]["alternatives_minus_none"] = arms_over_seeds(records)
    write(trained)


main()
