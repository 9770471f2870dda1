"""What each coder makes of the codes of trained models, in bytes of the whole file, and how fast.

    coders.py PROGRAM TEXT FOLDER OUT      the built reprise, collected text, a scratch folder, the JSON file to write

Reads the program measure_coders out of the same build. Seconds are of one core's time.
"""
import json
import pathlib
import sys

from program import Program, run

HERE = pathlib.Path(__file__).parent
TEXT, SCRATCH, OUT = pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]) / "coders", pathlib.Path(sys.argv[4])
PROGRAM = Program(sys.argv[1], SCRATCH)
MEASURE = PROGRAM.path_of("tests/bench/measure_coders")
SHAPES = HERE.parent.parent / "studies" / "families"
WIDE = {"model.family": "static", "model.width": 512, "model.heads": 8, "model.kv-heads": 4, "model.core": 7,
        "model.passes": 1, "model.context": 256}
MODELS = {**{shape: {"config": SHAPES / f"{shape}.ini", "train.steps": 300} for shape in ("static", "recurrent", "moe")},
          "wide": {**WIDE, "train.steps": 60}}
# Bits a weight that the caps allow, of the whole file: nominal widths of about 4, 6 and 8.
CAPS = {"static": [2.5, 4.2, 6.0], "recurrent": [2.5, 4.2, 6.0], "moe": [2.5, 4.2, 6.0], "wide": [4.2]}


def weights(folder):
    length = int.from_bytes((folder / "model.safetensors").read_bytes()[:8], "little")
    header = json.loads((folder / "model.safetensors").read_bytes()[8:8 + length])
    count = 0
    for name, tensor in header.items():
        if name != "__metadata__":
            product = 1
            for size in tensor["shape"]:
                product *= size
            count += product
    return count


def nominal_bits(artifact):
    """Mean width of the codes, over the weights that have codes."""
    entries = json.loads(artifact.with_name(artifact.name + ".ledger.json").read_text())["entries"]
    elements = {entry["tensor"]: entry["elements"] for entry in entries if entry["cause"] == "codes"}
    packing = json.loads(artifact.with_name(artifact.name + ".pack.json").read_text())["packing"]
    bits = sum(tensor["nominal_bits"] * elements.get(tensor["name"], 0) for tensor in packing["tensors"])
    return bits / sum(elements.values())


def measure(model, corpus, cap_bits):
    artifact = SCRATCH / f"{model}.{cap_bits}.reprise"
    PROGRAM.reprise("pack", {"pack.model": SCRATCH / model, "pack.corpus": corpus, "pack.out": artifact, "pack.refine-share": 0,
                             "pack.bytes": round(weights(SCRATCH / model) * cap_bits / 8)}, threads=1)
    measured = {"nominal_bits": nominal_bits(artifact), **json.loads(run([MEASURE, artifact], 1))}
    saved = 1 - measured["file_bytes_best"] / measured["file_bytes_best_library"]
    print(f"{model:10} nominal {measured['nominal_bits']:.2f} coded {measured['coded_bits']:.3f} bits; "
          f"best library {measured['file_bytes_best_library']} best {measured['file_bytes_best']} bytes, {saved:.2%} less",
          flush=True)
    return measured


def main():
    corpus = PROGRAM.make_corpus(TEXT, vocab=1024, max_bytes=2_000_000)
    models = {}
    for model, options in MODELS.items():
        if not (SCRATCH / model / "model.safetensors").exists():
            PROGRAM.train({"train.corpus": corpus, "train.sequences": 4, **options}, model, threads=1)
        models[model] = [measure(model, corpus, bits) for bits in CAPS[model]]
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps({"command": "scripts/bench coders", "revision": PROGRAM.revision(), "machine": PROGRAM.machine(),
                               "models": models}, indent=1) + "\n")


main()
