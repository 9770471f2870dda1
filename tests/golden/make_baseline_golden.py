"""Writes baseline.json of tests/models/baseline_test.cpp: what PyTorch makes of the public 16 MB baseline's shape.

    python tests/golden/make_baseline_golden.py      (PyTorch 2.11, NumPy)

Seventeen million weights are too many to commit, so both sides make them by the same hash of (parameter, element),
and the file keeps of every gradient its norm and its inner products with random signs: the mean square of how far
those are off is that of the gradient itself. Computed in double precision, a whole sequence at a time: batched
matrices and a causal mask, where make_network_golden.py loops over positions.
"""
import json
import pathlib

import numpy
import torch

VOCAB, WIDTH, HEADS, KV_HEADS, MLP_RATIO, LAYERS, SOFTCAP = 1024, 512, 8, 4, 2, 9, 30.0
LENGTH, PROJECTIONS = 128, 8
HEAD_WIDTH, SKIPS = WIDTH // HEADS, LAYERS // 2


def hashed(stream, count):
    """Thirty-two bits for each element: multiplications and shifts of 32 bits (C. Wellons, lowbias32)."""
    x = numpy.arange(count, dtype=numpy.uint32) * numpy.uint32(2654435761) + numpy.uint32(stream * 0x9E3779B9 & 0xFFFFFFFF)
    x ^= x >> numpy.uint32(16)
    x *= numpy.uint32(0x7FEB352D)
    x ^= x >> numpy.uint32(15)
    x *= numpy.uint32(0x846CA68B)
    return x ^ (x >> numpy.uint32(16))


def weight(stream, shape, mean, scale):
    share = (hashed(stream, int(numpy.prod(shape))) >> numpy.uint32(8)).astype(numpy.float64) / 2**24 - 0.5
    values = (mean + scale * share).astype(numpy.float32).astype(numpy.float64)  # what fp32 can hold
    return torch.from_numpy(values).reshape(shape).requires_grad_()


def shapes():
    kv_width = KV_HEADS * HEAD_WIDTH
    yield "embedding", [VOCAB, WIDTH]
    for layer in range(LAYERS):
        for name, shape in {"mix": [2, WIDTH], "attention.query": [WIDTH, WIDTH], "attention.key": [kv_width, WIDTH],
                            "attention.value": [kv_width, WIDTH], "attention.output": [WIDTH, WIDTH],
                            "attention.gain": [HEADS], "attention.scale": [WIDTH],
                            "mlp.up": [MLP_RATIO * WIDTH, WIDTH], "mlp.down": [WIDTH, MLP_RATIO * WIDTH],
                            "mlp.scale": [WIDTH]}.items():
            yield f"layer.{layer}.{name}", shape
    yield "skips", [SKIPS, WIDTH]


def make_weights():
    """Small tables, matrices near 1/sqrt(width), scalars around 3/4."""
    weights = {}
    for stream, (name, shape) in enumerate(shapes()):
        is_scalar = len(shape) == 1 or name == "skips" or name.endswith("mix")
        mean, scale = (0.75, 0.5) if is_scalar else (0.0, 0.0625 if name == "embedding" else 0.125)
        weights[name] = weight(stream, shape, mean, scale)
    return weights


def norm(x):
    return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + 1e-6)


def rotate(x):
    """[heads, T, head width], channels (i, i + half) turned by position * 10000^(-2i / head width)."""
    half = HEAD_WIDTH // 2
    rates = 10000.0 ** (-torch.arange(half, dtype=torch.float64) / half)
    angles = torch.arange(LENGTH, dtype=torch.float64)[:, None] * rates
    left, right = x[..., :half], x[..., half:]
    return torch.cat([left * angles.cos() - right * angles.sin(), right * angles.cos() + left * angles.sin()], -1)


def heads_of(x, count):
    return x.reshape(LENGTH, count, HEAD_WIDTH).transpose(0, 1)


def run_layer(w, x, x0):
    x = w["mix"][0] * x + w["mix"][1] * x0
    normed = norm(x)
    queries = rotate(norm(heads_of(normed @ w["attention.query"].T, HEADS))) * w["attention.gain"][:, None, None]
    keys = rotate(norm(heads_of(normed @ w["attention.key"].T, KV_HEADS))).repeat_interleave(HEADS // KV_HEADS, 0)
    values = heads_of(normed @ w["attention.value"].T, KV_HEADS).repeat_interleave(HEADS // KV_HEADS, 0)
    future = torch.ones(LENGTH, LENGTH, dtype=torch.bool).triu(1)
    shares = (queries @ keys.transpose(1, 2) / HEAD_WIDTH**0.5).masked_fill(future, -torch.inf).softmax(-1)
    mixed = (shares @ values).transpose(0, 1).reshape(LENGTH, WIDTH)
    x = x + w["attention.scale"] * (mixed @ w["attention.output"].T)
    return x + w["mlp.scale"] * (torch.relu(norm(x) @ w["mlp.up"].T).square() @ w["mlp.down"].T)


def main():
    weights = make_weights()
    stream = torch.from_numpy((hashed(1000, LENGTH + 1) % numpy.uint32(VOCAB)).astype(numpy.int64))
    x0 = norm(weights["embedding"][stream[:-1]])
    x, left = x0, []
    for layer in range(LAYERS):
        skip = layer - SKIPS
        if 0 <= skip < SKIPS:
            x = x + weights["skips"][skip] * left[SKIPS - 1 - skip]
        own = {name.split(".", 2)[2]: values for name, values in weights.items() if name.startswith(f"layer.{layer}.")}
        x = run_layer(own, x, x0)
        left.append(x)
    logits = SOFTCAP * torch.tanh(norm(x) @ weights["embedding"].T / SOFTCAP)
    loss = torch.nn.functional.cross_entropy(logits, stream[1:])
    loss.backward()
    gradients = {}
    for index, (name, values) in enumerate(weights.items()):
        gradient = values.grad.flatten()
        signs = [torch.from_numpy((hashed(2000 + index * PROJECTIONS + p, gradient.numel()) >> numpy.uint32(31)).astype(numpy.float64) * 2 - 1)
                 for p in range(PROJECTIONS)]
        gradients[name] = {"norm": gradient.norm().item(), "products": [(gradient @ s).item() for s in signs]}
    golden = {"parameters": sum(values.numel() for values in weights.values()), "loss": loss.item(), "gradients": gradients}
    path = pathlib.Path(__file__).with_name("baseline.json")
    path.write_text(json.dumps(golden, indent=0) + "\n")
    print(path, golden["parameters"], golden["loss"])


main()
