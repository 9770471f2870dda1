"""Writes bootstrap.json: the numbers stats_golden_test.cpp compares with, from formulas written here on their own.

Nothing of the C++ is used: Philox, the ratio estimator, the jackknife, BCa, the crossed bootstrap and Student's t are
numpy and the standard library. Run: python3 tests/analysis/golden/bootstrap.py
"""

import json
import math
import pathlib
from statistics import NormalDist

import numpy as np

DOCUMENTS, SEEDS, DRAWS, SEED = 37, 3, 2000, 11
BOOTSTRAP = 4  # Purpose::kBootstrap
NORMAL = NormalDist()


def philox_bits(positions, step):
    """The low 64 bits of Philox4x32-10 at counter (position, step, purpose), key SEED."""
    mask = np.uint64(0xFFFFFFFF)
    counter = [positions & mask, positions >> np.uint64(32),
               np.full_like(positions, step), np.full_like(positions, BOOTSTRAP)]
    key = [SEED & 0xFFFFFFFF, SEED >> 32]
    for _ in range(10):
        first = np.uint64(0xD2511F53) * counter[0]
        second = np.uint64(0xCD9E8D57) * counter[2]
        counter = [(second >> np.uint64(32)) ^ counter[1] ^ np.uint64(key[0]), second & mask,
                   (first >> np.uint64(32)) ^ counter[3] ^ np.uint64(key[1]), first & mask]
        key = [(key[0] + 0x9E3779B9) & 0xFFFFFFFF, (key[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return counter[0] | counter[1] << np.uint64(32)


def below(first, count, step, bound):
    words = philox_bits(np.arange(first, first + count, dtype=np.uint64), step)
    return np.array([int(word) * bound >> 64 for word in words])


def documents_of(draw):
    """Each word of the stream picks two documents, by its low and its high half."""
    words = [int(word) for word in philox_bits(np.arange((DOCUMENTS + 1) // 2, dtype=np.uint64), draw)]
    halves = [half for word in words for half in (word & 0xFFFFFFFF, word >> 32)]
    return np.array([half * DOCUMENTS >> 32 for half in halves[:DOCUMENTS]])


def ratio(nats, size):
    return nats.sum() / math.log(2) / size.sum()


def delta_error(nats, size):
    residual = nats / math.log(2) - ratio(nats, size) * size
    return math.sqrt(len(size) / (len(size) - 1) * (residual**2).sum()) / size.sum()


def quantile(draws, level):
    """Type 6 of Hyndman and Fan: expected order statistics at i / (draws + 1)."""
    place = min(max(level * (len(draws) + 1) - 1, 0), len(draws) - 1)
    return np.interp(place, np.arange(len(draws)), draws)


def bca(draws, estimate, jackknife, level):
    share = np.interp(estimate, draws, np.arange(1, len(draws) + 1)) / (len(draws) + 1)
    bias = NORMAL.inv_cdf(share)
    influence = jackknife.mean() - jackknife
    acceleration = (influence**3).sum() / (6 * (influence**2).sum() ** 1.5)
    shifted = bias + NORMAL.inv_cdf(level)
    return bias, acceleration, quantile(draws, NORMAL.cdf(bias + shifted / (1 - acceleration * shifted)))


def student_cdf(t, freedom, steps=20000):
    """Simpson's rule over the density."""
    x = np.linspace(0, t, steps + 1)
    log_scale = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2) - math.log(freedom * math.pi) / 2
    density = np.exp(log_scale - (freedom + 1) / 2 * np.log1p(x * x / freedom))
    weight = np.ones(steps + 1)
    weight[1:-1:2], weight[2:-1:2] = 4, 2
    return 0.5 + t / steps / 3 * (weight * density).sum()


def student_quantile(level, freedom):
    low, high = -100.0, 100.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if student_cdf(middle, freedom) < level else (low, middle)
    return (low + high) / 2


def main():
    generator = np.random.default_rng(5)
    size = np.round(np.exp(generator.normal(6, 1, DOCUMENTS))).astype(np.int64)
    by_seed = np.stack([size * (0.002 * generator.normal(size=DOCUMENTS) - 0.001 + 0.0004 * seed)
                        for seed in range(SEEDS)])
    nats = by_seed[0]

    picks = [documents_of(draw) for draw in range(DRAWS)]
    draws = np.sort([ratio(nats[pick], size[pick]) for pick in picks])
    keep = [np.arange(DOCUMENTS) != i for i in range(DOCUMENTS)]
    jackknife = np.array([ratio(nats[k], size[k]) for k in keep])
    bias, acceleration, low = bca(draws, ratio(nats, size), jackknife, 0.025)
    high = bca(draws, ratio(nats, size), jackknife, 0.975)[2]

    stretch = math.sqrt(SEEDS / (SEEDS - 1))
    crossed = []
    for draw, pick in enumerate(picks):
        counts = np.bincount(below(DOCUMENTS, SEEDS, draw, SEEDS), minlength=SEEDS)
        weights = (1 + stretch * (counts - 1)) / SEEDS
        crossed.append(ratio((weights @ by_seed)[pick], size[pick]))
    mean = by_seed.mean(0)
    document_variance = delta_error(mean, size) ** 2
    seed_variance = np.var([ratio(one, size) for one in by_seed], ddof=1) / SEEDS
    freedom = (document_variance + seed_variance) ** 2 / (
        document_variance**2 / (DOCUMENTS - 1) + seed_variance**2 / (SEEDS - 1))
    error = np.std(crossed, ddof=1)

    golden = {
        "bytes": size.tolist(), "nats": by_seed.tolist(), "draws": DRAWS, "seed": SEED,
        "ratio": ratio(nats, size), "delta_standard_error": delta_error(nats, size),
        "bias": bias, "acceleration": acceleration, "interval": [low, high],
        "seeds": {
            "estimate": ratio(mean, size), "standard_error": error,
            "document_variance": document_variance, "seed_variance": seed_variance,
            "degrees_of_freedom": freedom,
            "interval": [ratio(mean, size) + student_quantile(p, freedom) * error for p in (0.025, 0.975)],
        },
    }
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
