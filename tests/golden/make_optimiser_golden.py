"""Writes optimiser.json: five steps of PyTorch's own AdamW and Muon on small tensors, for tests/train/optimiser_test.cpp.

    python tests/golden/make_optimiser_golden.py        # PyTorch 2.11

PyTorch's Muon orthogonalises in bfloat16; ours is held to it in that precision, and in double precision to the
singular value decomposition (muon_test.cpp). Learning rate and momentum change from step to step, as schedules do.
"""

import json
import pathlib

import torch

STEPS = 5


def steps():
    return [{"rate": 0.05 / (t + 1), "momentum": 0.85 + 0.02 * t} for t in range(STEPS)]


def run(weight, gradients, make, weight_decay):
    parameter = torch.nn.Parameter(weight.clone())
    optimiser = make([parameter], weight_decay)
    weights = []
    for gradient, settings in zip(gradients, steps()):
        for group in optimiser.param_groups:
            group["lr"] = settings["rate"]
            if "momentum" in group:
                group["momentum"] = settings["momentum"]
        parameter.grad = gradient.clone()
        optimiser.step()
        weights.append(parameter.detach().flatten().tolist())
    return {"shape": list(weight.shape), "weight_decay": weight_decay, "first": weight.flatten().tolist(),
            "gradients": [g.flatten().tolist() for g in gradients], "weights": weights}


def adamw(parameters, weight_decay):
    return torch.optim.AdamW(parameters, lr=1.0, betas=(0.9, 0.95), eps=1e-8, weight_decay=weight_decay)


def muon(parameters, weight_decay):
    return torch.optim.Muon(parameters, lr=1.0, weight_decay=weight_decay, momentum=0.95, nesterov=True, ns_steps=5,
                            adjust_lr_fn="original")


def main():
    random = torch.Generator().manual_seed(1)

    def draw(*shape):
        weight = torch.randn(*shape, generator=random)
        return weight, [torch.randn(*shape, generator=random) for _ in range(STEPS)]

    golden = {
        "torch": torch.__version__.split("+")[0],
        "steps": steps(),
        "adamw": [run(*draw(7), adamw, 0.0), run(*draw(3, 5), adamw, 0.1)],
        "muon": [run(*draw(4, 9), muon, 0.0), run(*draw(9, 4), muon, 0.1)],
        "muon_of_one_shape": [run(*draw(6, 10), muon, 0.1) for _ in range(3)],
    }
    path = pathlib.Path(__file__).with_name("optimiser.json")
    path.write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
