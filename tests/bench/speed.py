"""Times training by family against the static model of the same operations per token, in rounds that alternate the two.

    speed.py PROGRAM TEXT FOLDER OUT      the built reprise, collected text, a scratch folder, the JSON file to write
"""
import json
import pathlib
import statistics
import sys

from program import Program

TEXT, OUT = pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[4])
PROGRAM = Program(sys.argv[1], pathlib.Path(sys.argv[3]))
ROUNDS, STEPS, WARM_UP = 5, 10, 3
SHAPE = {"model.width": 256, "model.context": 512, "model.prelude": 1, "model.coda": 1, "train.precision": "bf16",
         "train.sequences": 8}
STATIC = {**SHAPE, "model.family": "static", "model.core": 4, "model.passes": 1}
LOOPED = {**SHAPE, "model.core": 2, "model.passes": 2}
# Layers that a token meets, each with attention and an MLP of twice the width, are six in all of them.
FAMILIES = {"recurrent": ({**LOOPED, "model.family": "recurrent"}, "at least 0.9"),
            "relaxed": ({**LOOPED, "model.family": "relaxed", "model.lora-rank": 16}, ""),
            "moe": ({**LOOPED, "model.family": "moe", "model.experts": 8, "model.top-k": 2, "model.expert-width": 256,
                     "train.balance": 0.01}, "at least 0.7"),
            "moe-attention": ({**LOOPED, "model.family": "moe", "model.experts": 8, "model.top-k": 2,
                               "model.expert-width": 256, "model.attention-experts": 4, "model.attention-top-k": 1,
                               "train.balance": 0.01}, ""),
            "partial": ({**STATIC, "model.family": "partial", "model.basis-rank": 256, "model.basis-terms": 64}, "")}


def tokens_per_s(options):
    lines = PROGRAM.train({**options, "train.corpus": PROGRAM.scratch / "corpus", "train.steps": STEPS})[WARM_UP:]
    return statistics.median(line["tokens_per_s"] for line in lines)


def main():
    PROGRAM.make_corpus(TEXT, vocab=1024, max_bytes=1_500_000)
    figures = {}
    for name, (options, wanted) in FAMILIES.items():
        rounds = [(tokens_per_s(options), tokens_per_s(STATIC)) for _ in range(ROUNDS)]
        ratio = statistics.median(ours / static for ours, static in rounds)
        figures[name] = {"ratio": ratio, "wanted": wanted, "family": [ours for ours, _ in rounds],
                         "static": [static for _, static in rounds]}
        print(f"{name:14} {ratio:.3f}   {wanted}", flush=True)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps({"command": "scripts/bench speed", "unit": "tokens per second, 1 process with 2 threads, bf16",
                               "revision": PROGRAM.revision(), "machine": PROGRAM.machine(), "rounds": ROUNDS, "shape": STATIC, "figures": figures},
                              indent=1) + "\n")


main()
