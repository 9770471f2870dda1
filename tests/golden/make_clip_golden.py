"""Writes clip.json: gradients before and after torch.nn.utils.clip_grad_norm_, for tests/train/gradients_test.cpp.

    python tests/golden/make_clip_golden.py        # PyTorch 2.11
"""

import json
import pathlib

import torch

SHAPES = [(3, 5), (7,), (2, 2)]


def clipped(gradients, limit):
    parameters = []
    for gradient in gradients:
        parameters.append(torch.nn.Parameter(torch.zeros_like(gradient)))
        parameters[-1].grad = gradient.clone()
    norm = torch.nn.utils.clip_grad_norm_(parameters, limit)
    return {"limit": limit, "norm": norm.item(), "gradients": [p.grad.flatten().tolist() for p in parameters]}


def main():
    random = torch.Generator().manual_seed(2)
    gradients = [torch.randn(*shape, generator=random) for shape in SHAPES]
    golden = {
        "torch": torch.__version__.split("+")[0],
        "shapes": SHAPES,
        "gradients": [g.flatten().tolist() for g in gradients],
        "clipped": [clipped(gradients, limit) for limit in (1.0, 0.03, 1000.0)],
    }
    pathlib.Path(__file__).with_name("clip.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
