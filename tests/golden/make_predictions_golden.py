"""Writes predictions.json: what tests/eval/predictions_test.cpp expects of logits, by PyTorch in double precision.

    python tests/golden/make_predictions_golden.py      (PyTorch 2.11)
"""
import json
import pathlib

import torch

ROWS, VOCAB = 6, 19


def main():
    generator = torch.Generator().manual_seed(5)
    logits = (4 * torch.randn(ROWS, VOCAB, generator=generator)).float()
    logits[3] = 0.25  # every token alike
    logits[4, 7] = 29.0  # all but certain
    targets = torch.randint(VOCAB, (ROWS,), generator=generator)
    targets[4] = 7
    distribution = torch.distributions.Categorical(logits=logits.double())
    first_two = distribution.probs.topk(2).values
    golden = {"logits": logits.tolist(), "targets": targets.tolist(),
              "nll": torch.nn.functional.cross_entropy(logits.double(), targets, reduction="none").tolist(),
              "entropy": distribution.entropy().tolist(), "margin": (first_two[:, 0] - first_two[:, 1]).tolist(),
              "top1": (logits.argmax(-1) == targets).int().tolist()}
    path = pathlib.Path(__file__).with_name("predictions.json")
    path.write_text(json.dumps(golden) + "\n")
    print(path, path.stat().st_size, "bytes")


main()
