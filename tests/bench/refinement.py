"""What a second look costs, and what evaluation with it does against PyTorch that masks a dense second pass.

    refinement.py PROGRAM TEXT FOLDER OUT      the built reprise, unused, a scratch folder, the JSON file to write
"""
import json
import pathlib
import statistics
import sys

from program import Program, run

HERE = pathlib.Path(__file__).parent
OUT = pathlib.Path(sys.argv[4])
PROGRAM = Program(sys.argv[1], pathlib.Path(sys.argv[3]))
THREADS, ROUNDS, ALTERNATIONS = 1, 5, 5


def ours(precision):
    return json.loads(run([PROGRAM.path_of("tests/bench/refinement_cost"), THREADS, ROUNDS, precision], THREADS))


def peer(precision):
    return json.loads(run([sys.executable, HERE / "refining_peer.py", precision, ROUNDS, THREADS], THREADS))["tokens_per_s"]


def against_peer(precision):
    """Medians over alternations of the two."""
    rounds = [(ours(precision), peer(precision)) for _ in range(ALTERNATIONS)]
    return {rule: {"ratio": statistics.median(us[rule] / them for us, them in rounds), "ours": [us[rule] for us, _ in rounds],
                   "theirs": [them for _, them in rounds]} for rule in ["coarse", "latest"]} | {
        "signals_over_dense_pass": {signal: statistics.median(us["signals_over_dense_pass"][signal] for us, _ in rounds)
                                    for signal in rounds[0][0]["signals_over_dense_pass"]}}


def main():
    peers = {precision: against_peer(precision) for precision in ["fp32", "bf16"]}
    print(json.dumps({precision: {rule: round(of["ratio"], 2) for rule, of in rules.items() if "ratio" in of} for precision, rules in peers.items()}),
          flush=True)
    costs = json.loads(run([PROGRAM.path_of("tests/bench/refinement_cost"), THREADS, ROUNDS], THREADS))
    for setting in costs["settings"]:
        shares = setting["share_of_dense_pass"]
        print(setting["precision"], setting["width"], setting["context"],
              {rule: {share: round(value, 3) for share, value in of.items()} for rule, of in shares.items()},
              {rule: round(value, 2) for rule, value in setting["two_dense_passes_over_a_tenth_refined"].items()}, flush=True)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps({"command": "scripts/bench refinement", "revision": PROGRAM.revision(), "machine": PROGRAM.machine(),
                               "evaluation_against_masking_peer": {"unit": "tokens per second, 1 thread, a tenth refined",
                                                                   "wanted": "at least 2.0", **peers},
                               "wanted": {"coarse at a tenth": 0.15, "latest at a tenth": 0.18, "at all": 1.05,
                                          "two dense passes over a tenth refined": 1.5}, **costs}, indent=1) + "\n")


main()
