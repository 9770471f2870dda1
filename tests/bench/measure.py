"""Measures what scripts/bench shows. Each figure is a ratio of medians over rounds that alternate its two sides.

    measure.py PROGRAM TEXT FOLDER OUT      the built reprise, collected text, a scratch folder, the JSON file to write
"""
import json
import pathlib
import statistics
import sys

from program import Program, run

HERE = pathlib.Path(__file__).parent
TEXT, SCRATCH, OUT = map(pathlib.Path, sys.argv[2:])
PROGRAM = Program(sys.argv[1], SCRATCH)
ROUNDS, STEPS, WARM_UP = 5, 14, 4
# The shape of engineering.md's speed table, and that of the peer.
SHAPE = {"model.vocab": 1024, "model.width": 256, "model.heads": 4, "model.kv-heads": 2, "model.mlp-ratio": 2,
         "model.context": 512}
STATIC = {**SHAPE, "model.family": "static", "model.prelude": 1, "model.core": 4, "model.coda": 1, "model.passes": 1}
RECURRENT = {**SHAPE, "model.family": "recurrent", "model.prelude": 1, "model.core": 4, "model.coda": 1,
             "model.passes": 1}


def train(model, options, ranks=1, threads=2):
    """What metrics.jsonl says of the steps behind the warm-up."""
    return PROGRAM.train({**model, "train.corpus": SCRATCH / "corpus", "train.sequences": 8, "train.steps": STEPS, **options},
                         ranks=ranks, threads=threads)[WARM_UP:]


def peer(precision):
    printed = run([sys.executable, HERE / "peer.py", precision, STEPS, 2], 2)
    return [{"tokens_per_s": value} for value in json.loads(printed)["tokens_per_s"]][WARM_UP:]


def median(steps, name):
    return statistics.median(step[name] for step in steps)


def alternate(ours, theirs):
    """Medians of both sides over their steps, and the median over rounds of the ratio within a round."""
    rounds = [(ours(), theirs()) for _ in range(ROUNDS)]
    speeds = [[median(steps, "tokens_per_s") for steps in pair] for pair in rounds]
    return {"ratio": statistics.median(a / b for a, b in speeds), "ours": [a for a, _ in speeds],
            "theirs": [b for _, b in speeds],
            "share_of_matrix_peak": statistics.median(median(steps, "peak_share") for steps, _ in rounds)}


def training_against_peer(precision):
    options = {"train.precision": precision, "train.matrices": "adamw", "train.matrix-rate": 0.001}
    return {"unit": "tokens per second, 1 process with 2 threads", "wanted": "at least 1.0 x PyTorch eager",
            **alternate(lambda: train(STATIC, options), lambda: peer(precision))}


def ranks_against_threads():
    return {"unit": "tokens per second, 2 ranks with 1 thread against 1 rank with 2", "wanted": "at least 0.9",
            **alternate(lambda: train(STATIC, {}, 2, 1), lambda: train(STATIC, {}, 1, 2))}


def evaluations():
    """Two figures out of the accounting that every evaluation records."""
    train(RECURRENT, {"train.objective": "gated-refinement"})
    artifact = SCRATCH / "bench.reprise"
    PROGRAM.reprise("pack", {"pack.model": SCRATCH / "training", "pack.corpus": SCRATCH / "corpus", "pack.out": artifact,
                             "pack.bytes": 2_000_000, "pack.refine-share": 0.1})
    spent = []
    for _ in range(ROUNDS):
        out = PROGRAM.fresh("evaluation")
        PROGRAM.reprise("eval", {"eval.artifact": artifact, "eval.corpus": SCRATCH / "corpus", "eval.out": out}, 2, 1)
        spent.append(json.loads((out / "results.json").read_text()))
    costs = [results["accounting"] for results in spent]
    total = [sum(cost[name]["seconds"] for name in ("base", "gated", "random", "all")) + cost["text_s"] +
             cost["writing_s"] for cost in costs]
    sparse = [cost["gated"]["seconds"] / cost["all"]["seconds"] for cost in costs]
    writing = [cost["writing_s"] / seconds for cost, seconds in zip(costs, total)]
    return {"sparse_pass": {"unit": "seconds of the gated pass over those of the dense second pass",
                            "wanted": "at most 0.25 with 10 % of tokens refined", "ratio": statistics.median(sparse),
                            "rounds": sparse, "refined": spent[0]["refined_fraction"]["gated"]},
            "trace_writing": {"unit": "seconds of writing segments over all seconds of the evaluation",
                              "wanted": "at most 0.05", "ratio": statistics.median(writing), "rounds": writing}}


def revision():
    """The commit that was measured, as the evaluation recorded it."""
    return json.loads((SCRATCH / "evaluation" / "results.json").read_text())["git_hash"]


def main():
    PROGRAM.make_corpus(TEXT, vocab=1024, max_bytes=1_500_000)
    figures = {"training_bf16": training_against_peer("bf16"), "training_fp32": training_against_peer("fp32"),
               "ranks": ranks_against_threads(), **evaluations()}
    for name, figure in figures.items():
        print(f"{name:14} {figure['ratio']:.3f}   {figure['wanted']}")
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps({"command": "scripts/bench", "revision": revision(), "machine": PROGRAM.machine(), "rounds": ROUNDS,
                               "figures": figures}, indent=1) + "\n")


main()
