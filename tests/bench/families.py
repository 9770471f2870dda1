"""Trains every family and the objectives that are known to collapse, and says what each pass predicts before and after.

    families.py PROGRAM TEXT FOLDER OUT      the built reprise, collected text, a scratch folder, the JSON file to write

The text is dealt by name into what models train on and what they are asked about. A model's loss per pass is that of the
first step of a run that begins with its weights: deep supervision reads every base pass, a gated refinement of every
token the pass behind them. Interrupted, it goes on with the runs that are missing.
"""
import concurrent.futures
import json
import os
import pathlib
import shutil
import statistics
import sys
import zlib

from program import Program

HERE = pathlib.Path(__file__).parent
TEXT, SCRATCH, OUT = pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]) / "families", pathlib.Path(sys.argv[4])
PROGRAM = Program(sys.argv[1], SCRATCH)
SHAPES = HERE.parent.parent / "studies" / "families"
FAMILIES = ["static", "recurrent", "recurrent-wide", "relaxed", "moe", "partial"]
ONCE = {"static", "partial"}
STEPS, SEEDS, SEQUENCES = 300, [1, 2, 3], 4
HALTING = {"act": "mixture", "pondernet": "exit", "ouro": "exit"}
FOUR_PASSES = {"model.passes": 4}


def train(out, shape, corpus, options):
    """Lines of metrics.jsonl of a run on one thread, which gives the same bits in any order of runs."""
    return PROGRAM.train({"config": SHAPES / f"{shape}.ini", "train.corpus": SCRATCH / corpus, "train.sequences": SEQUENCES,
                          "train.precision": "bf16", **options}, out, threads=1)


def losses(out, shape, start, options):
    """Nats of a token by pass on held-out text, of the weights of `start` or of fresh ones."""
    begin = {"train.steps": 1, "train.sequences": 48, **options, **({"train.start-from": start} if start else {})}
    by_pass = {}
    refined = train(out, shape, "held", {**begin, "train.objective": "gated-refinement", "train.refine-share": 1})[0]
    if shape not in ONCE:
        deep = train(out, shape, "held", {**begin, "train.objective": "deep-supervision"})[0]
        by_pass = {name.removeprefix("loss_"): value for name, value in deep.items() if name.startswith("loss_pass_")}
    else:
        by_pass = {"pass_1": refined["loss_coarse"]}
    return dict(sorted(by_pass.items())) | {"refined": refined["loss_refined"]}


def kept_run(job):
    """The result of a run, kept in a file of its own."""
    kept = SCRATCH / "results" / f"{job[0]}.{job[2]}.json"
    if not kept.exists():
        result = one_run(job)
        kept.parent.mkdir(exist_ok=True)
        kept.with_suffix(".part").write_text(json.dumps(result))
        kept.with_suffix(".part").replace(kept)
    return job[0], job[2], json.loads(kept.read_text())


def one_run(job):
    name, shape, seed, options, halting = job
    model = f"{name}.{seed}"
    seeded = {"train.seed": seed}
    lines = train(model, shape, "corpus", {"train.steps": STEPS, **seeded, **options})
    result = {"revision": PROGRAM.revision(), "first_loss": lines[0]["loss"],
              "last_loss": statistics.mean(line["loss"] for line in lines[-20:])}
    if halting:
        keys = [key for key in lines[-1] if key in ("expected_passes", "halted_passes")]
        result |= {key: statistics.mean(line[key] for line in lines[-20:]) for key in keys}
        result["prediction"] = statistics.mean(line[next(k for k in line if k.startswith("loss_"))] for line in lines[-20:])
    else:
        given = {**seeded, **{key: value for key, value in options.items() if key.startswith("model.")}}
        # A gate's threshold plays no part: every token is refined, so that the pass itself is seen.
        result |= {"before": losses(f"{model}.asked", shape, None, given),
                   "after": losses(f"{model}.asked", shape, SCRATCH / model, given)}
    loads = {key: value for key, value in lines[-1].items() if key.startswith("load.")}
    if loads:
        result["expert_loads"] = loads
    PROGRAM.fresh(model)
    PROGRAM.fresh(f"{model}.asked")
    print(name, seed, {key: value for key, value in result.items() if key != "expert_loads"}, flush=True)
    return result


def jobs():
    for shape in FAMILIES:
        for objective in ("final-only", "gated-refinement"):
            for seed in SEEDS:
                yield f"{shape}.{objective}", shape, seed, {"train.objective": objective}, False
    for seed in SEEDS:
        yield "recurrent.final-only.4-passes", "recurrent", seed, FOUR_PASSES, False
        for objective, readout in HALTING.items():
            yield (f"recurrent.{objective}.4-passes", "recurrent", seed,
                   {**FOUR_PASSES, "model.halting": readout, "train.objective": objective}, True)


def deal_text():
    """Every fifth file, by the checksum of its name, is held out."""
    for path in sorted(TEXT.rglob("*")):
        if path.is_file():
            name = path.relative_to(TEXT)
            side = "held" if zlib.crc32(str(name).encode()) % 5 == 0 else "text"
            target = SCRATCH / "files" / side / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)


def make_corpora():
    if not (SCRATCH / "files").exists():
        deal_text()
    shares = {"max_bytes": 2_000_000, "valid_share": 0.02, "test_share": 0.02}
    corpus = PROGRAM.make_corpus(SCRATCH / "files" / "text", "corpus", vocab=1024, **shares)
    PROGRAM.make_corpus(SCRATCH / "files" / "held", "held", tokenizer=corpus / "tokenizer.model", **shares)


def main():
    make_corpora()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = {}
        for name, seed, result in pool.map(kept_run, jobs()):
            runs.setdefault(name, {})[str(seed)] = result
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps({"command": "scripts/bench families", "steps": STEPS, "sequences": SEQUENCES,
                               "precision": "bf16", "shapes": "studies/families",
                               "machine": PROGRAM.machine(), "runs": runs}, indent=1) + "\n")


main()
