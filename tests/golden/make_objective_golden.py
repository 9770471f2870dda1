"""Writes objective.json: values and gradients of the objectives' functions (train/losses.h, train/objectives/), written
down again in PyTorch from their equations, for tests/train/objectives/golden_test.cpp.

    python tests/golden/make_objective_golden.py        # PyTorch 2.11

All in double precision.
"""

import json
import pathlib

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)


def case(function, inputs, **settings):
    """The value of function(*inputs) and its gradient in every input; zeros where there is none."""
    leaves = [x.clone().requires_grad_() for x in inputs]
    value = function(*leaves)
    gradients = torch.autograd.grad(value, leaves, allow_unused=True)
    return settings | {
        "inputs": [{"shape": list(x.shape), "values": x.flatten().tolist()} for x in inputs],
        "value": value.item(),
        "gradients": [(torch.zeros_like(x) if g is None else g).flatten().tolist() for x, g in zip(inputs, gradients)],
    }


def gated(coarse, refined, mask, kappa):
    m = mask.to(coarse)
    full = torch.zeros_like(coarse).masked_scatter(mask, refined)
    return ((1 - m) * coarse + m * full).sum() + kappa * coarse.sum()


def hard_weighted(nats, uncertainty):
    weights = uncertainty.detach() / uncertainty.detach().mean(dim=1, keepdim=True)
    return (weights * nats).sum()


def kl(last, early):
    return F.kl_div(F.log_softmax(early, -1), F.log_softmax(last.detach(), -1), reduction="sum", log_target=True)


def norm_change(earlier, later):
    return (later.pow(2).mean(-1).sqrt() - earlier.pow(2).mean(-1).sqrt()).pow(2).sum()


def exit_probabilities(rates):
    """Of each pass, by the product rule; the last takes what is left."""
    p, left = [], torch.ones_like(rates[0])
    for rate in rates:
        p, left = p + [left * rate], left * (1 - rate)
    return torch.stack(p + [left])


def expected(scores, *nats):
    return sum((p * x).sum() for p, x in zip(exit_probabilities(torch.sigmoid(scores)), nats))


def prior_divergence(scores, rate):
    p, q = exit_probabilities(torch.sigmoid(scores)), exit_probabilities(torch.full((len(scores), 1), rate))
    return (p * (p / q).log()).sum()


def halting_entropy(scores):
    return torch.distributions.Categorical(probs=exit_probabilities(torch.sigmoid(scores)).T).entropy().sum()


def pondered(scores):
    """N, R and the weights of each token, which adds up its rates until they reach 0.99."""
    for token in torch.sigmoid(scores).T:
        weights, n = [], 1
        while n <= len(token) and sum(token[:n]) < 0.99:
            weights.append(token[n - 1])
            n += 1
        rest = 1 - sum(weights)
        yield n, rest, weights + [rest]


def ponder_cost(scores, floor):
    return sum(n + floor - 1 + rest for n, rest, _ in pondered(scores))


def mean_state(scores, states):
    """Squared, so that the gradient in the states is not the weights alone."""
    return sum((w * x).sum() ** 2 for i, (_, _, weights) in enumerate(pondered(scores))
               for w, x in [(torch.stack(weights)[:, None], states[:len(weights), i])])


def code_entropy(weight, steps, largest):
    """Every weight's triangular kernel against every code, as one dense table."""
    rms = weight.pow(2).mean().sqrt()
    position = (weight / (steps[:, None] * rms / rms.detach())).clamp(-largest, largest).flatten()
    codes = torch.arange(-largest, largest + 1, dtype=weight.dtype)
    histogram = (1 - (position[:, None] - codes).abs()).clamp_min(0).mean(0)
    return -(histogram * histogram.clamp_min(0.5 / weight.numel()).log2()).sum()


def main():
    random = torch.Generator().manual_seed(1)

    def normal(*shape):
        return torch.randn(*shape, generator=random)

    nats = [normal(2, 3).abs() for _ in range(3)]
    weights = [0.25, 0.5, 1.0]
    mask = torch.tensor([False, True, False, False, True, True])
    weight, steps, bits = normal(4, 8), [0.25, 0.5, 0.3, 0.125], 4
    golden = {
        "torch": torch.__version__.split("+")[0],
        "deep_supervision": case(lambda *l: sum(w * x.sum() for w, x in zip(weights, l)) / sum(weights), nats,
                                 weights=weights),
        "gated_refinement": case(lambda c, r: gated(c, r, mask, 0.5), [normal(6).abs(), normal(3).abs()],
                                 rows=[1, 4, 5], kappa=0.5),
        "monotone": case(lambda a, b: (b - a.detach() + 0.1).clamp_min(0).sum(), [normal(12), normal(12)], margin=0.1),
        "state_distance": case(lambda a, b: (a.detach() - b).pow(2).sum() / 5, [normal(3, 5), normal(3, 5)]),
        "prediction_distance": case(kl, [normal(3, 5), normal(3, 5)]),
        "norm_change": case(norm_change, [normal(3, 5), normal(3, 5)]),
        "hard_weighted": case(hard_weighted, [normal(2, 4).abs(), normal(2, 4).abs()]),
        "expected_nats": case(expected, [normal(2, 4)] + [normal(4).abs() for _ in range(3)]),
        "prior_divergence": case(lambda s: prior_divergence(s, 0.2), [normal(3, 4)], rate=0.2),
        "halting_entropy": case(halting_entropy, [normal(3, 4)]),
        "ponder_cost": case(lambda s: ponder_cost(s, 2), [normal(3, 6)], floor=2),
        "mean_state": case(mean_state, [normal(3, 6), normal(4, 6, 2)]),
        "code_entropy": case(lambda w: code_entropy(w, torch.tensor(steps), 2 ** (bits - 1) - 1), [weight],
                             steps=steps, bits=bits),
    }
    path = pathlib.Path(__file__).with_name("objective.json")
    path.write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
