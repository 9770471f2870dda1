"""Writes gate.json: values and gradients of the gate heads' losses (train/gate/losses.h) and of both heads
(train/gate/head.h), written down again in PyTorch from their equations, for tests/train/gate/golden_test.cpp.

    python tests/golden/make_gate_golden.py        # PyTorch 2.11

All in double precision.
"""

import json
import pathlib

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)


def array(x):
    return {"shape": list(x.shape), "values": x.flatten().tolist()}


def case(function, inputs, **settings):
    """The value of function(*inputs) and its gradient in every input; zeros where there is none."""
    leaves = [x.clone().requires_grad_() for x in inputs]
    value = function(*leaves)
    gradients = torch.autograd.grad(value, leaves, allow_unused=True)
    return settings | {
        "inputs": [array(x) for x in inputs],
        "value": value.item(),
        "gradients": [array(torch.zeros_like(x) if g is None else g) for x, g in zip(inputs, gradients)],
    }


def cross_entropy(scores, labels, weight):
    y, p = labels.detach(), torch.sigmoid(scores)
    return -(weight * y * p.log() + (1 - y) * (1 - p).log()).sum()


def any_later_gain(scores, first, second, third, delta):
    gains = torch.stack([first - second, first - third])
    return cross_entropy(scores, (gains.max(0).values > delta).to(scores), 1)


def huber(residual, width):
    size = residual.abs()
    return torch.where(size <= width, residual.pow(2) / 2, width * (size - width / 2)).sum()


def clipped(gains, clip):
    return gains.detach().clamp(-clip, clip)


def ranking(scores, gains, shifts, delta):
    """Pair by pair."""
    total, gains = scores.new_zeros(()), gains.detach()
    length = scores.shape[1]
    for b, shift in enumerate(shifts):
        for t in range(length):
            i, j = t, (t + shift) % length
            if gains[b, i] < gains[b, j]:
                i, j = j, i
            if gains[b, i] - gains[b, j] > delta:
                total = total - F.logsigmoid(scores[b, i] - scores[b, j])
    return total


def penalty(scores, target):
    means = torch.sigmoid(scores).mean(1)
    return scores.shape[1] * ((means - target) ** 2).sum()


def mlp(inputs, hidden, hidden_bias, output, output_bias):
    units = (inputs @ hidden.T + hidden_bias).clamp_min(0) ** 2
    return ((units @ output + output_bias) ** 2).sum()


def main():
    random = torch.Generator().manual_seed(1)

    def normal(*shape):
        return torch.randn(*shape, generator=random)

    scores, first, second, third = normal(2, 4), normal(2, 4).abs(), normal(2, 4).abs(), normal(2, 4).abs()
    gains, inputs = normal(3, 5), normal(2, 3, 5)
    golden = {
        "torch": torch.__version__.split("+")[0],
        "gain": case(lambda s, a, b: cross_entropy(s, (a - b > 0.1).to(s), (1 - 0.3) / 0.3), [scores, first, second],
                     delta=0.1, positive_share=0.3),
        "any_later_gain": case(lambda s, a, b, c: any_later_gain(s, a, b, c, 0.2), [scores, first, second, third],
                               delta=0.2),
        "soft_gain": case(lambda s, a, b: cross_entropy(s, torch.sigmoid((a - b - 0.1) / 0.3), (1 - 0.2) / 0.2),
                          [scores, first, second], delta=0.1, temperature=0.3, positive_share=0.2),
        "squared": case(lambda s, g: ((s - clipped(g, 0.8)) ** 2).sum() / 2, [normal(3, 5), gains], clip=0.8),
        "huber": case(lambda s, g: huber(s - clipped(g, 0.8), 0.5), [normal(3, 5), gains], clip=0.8, huber=0.5),
        "ranking": case(lambda s, g: ranking(s, g, [1, 3, 4], 0.1), [normal(3, 5), gains], shifts=[1, 3, 4], delta=0.1),
        "penalty": case(lambda s: penalty(s, 0.1), [scores], target_share=0.1),
        "head_linear": case(lambda z, w, b: ((z @ w + b) ** 2).sum(), [inputs, normal(5), normal(1)]),
        "head_mlp": case(mlp, [inputs, normal(4, 5), normal(4), normal(4), normal(1)]),
    }
    path = pathlib.Path(__file__).with_name("gate.json")
    path.write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
