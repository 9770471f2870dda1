"""Writes body.json: a small matrix as ternary weights and by a codebook, found by trying every choice.

    python tests/golden/make_body_golden.py      (NumPy)

Written from docs/artifact.md and the headers of models/artifact/quantisers, not from the C++. Ternary: per row every scale
of the ladder with every number of weights that are kept. Codebook: the least weighted error of k
centroids on a line by dynamic programming over the sorted numbers.
"""
import json
import math
import pathlib

import numpy

ROWS, COLUMNS = 6, 23
ENTRIES = [2, 4, 7, 16]


def rung(value, rungs):
    return numpy.float16(2.0 ** (round(rungs * math.log2(value)) / rungs))


def ternary_row(weights, importance):
    """(scale, trits) of least error over every scale of the ladder and every number of weights that are kept."""
    order = numpy.argsort(-numpy.abs(weights))
    best = (math.inf, None, None)
    for step in range(-80, 8):
        scale = numpy.float16(2.0 ** (step / 8))
        for kept in range(COLUMNS + 1):
            trits = numpy.zeros(COLUMNS, int)
            trits[order[:kept]] = numpy.sign(weights[order[:kept]])
            error = (importance * (weights - float(scale) * trits) ** 2).sum()
            best = min(best, (error, scale, trits), key=lambda choice: choice[0])
    return best[1:]


def pack(trits):
    digits = [trit % 3 for trit in trits] + [0] * (-len(trits) % 5)
    return [int(sum(digit * 3 ** place for place, digit in enumerate(digits[i:i + 5]))) for i in range(0, len(digits), 5)]


def codebook_error(values, importance, entries):
    order = numpy.argsort(values)
    values, importance = values[order], importance[order]
    count = len(values)
    cost = numpy.zeros((count + 1, count + 1))
    for start in range(count):
        for end in range(start + 1, count + 1):
            part, weight = values[start:end], importance[start:end]
            mean = (part * weight).sum() / weight.sum()
            cost[start, end] = (weight * (part - mean) ** 2).sum()
    least = cost[0].copy()
    for _ in range(entries - 1):
        least = numpy.array([0.0] + [min(least[start] + cost[start, end] for start in range(end))
                                     for end in range(1, count + 1)])
    return float(least[count])


def main():
    generator = numpy.random.default_rng(5)
    weights = generator.laplace(0, 0.05, (ROWS, COLUMNS)) * numpy.linspace(0.5, 2, ROWS)[:, None]
    weights = weights.astype(numpy.float32)
    of_rows = generator.uniform(0.5, 2, ROWS).astype(numpy.float32)
    of_columns = generator.uniform(0.1, 3, COLUMNS).astype(numpy.float32)
    exact, columns = weights.astype(float), of_columns.astype(float)

    rows = [ternary_row(exact[row], columns) for row in range(ROWS)]
    quantised = numpy.array([float(scale) * trits for scale, trits in rows])
    weight_importance = numpy.outer(of_rows.astype(float), columns)
    ternary = {"scales": [int(scale.view(numpy.uint16)) for scale, _ in rows],
               "codes": [pack(trits) for _, trits in rows],
               "distortion": float((weight_importance * (exact - quantised) ** 2).sum())}

    scales = [float(rung(math.sqrt((exact[row] ** 2).mean()), 4)) for row in range(ROWS)]
    scaled = exact / numpy.array(scales)[:, None]
    scaled_importance = weight_importance * numpy.array(scales)[:, None] ** 2
    codebook = {"scales": scales, "distortions": [{"entries": entries, "distortion": codebook_error(
        scaled.ravel(), scaled_importance.ravel(), entries)} for entries in ENTRIES]}

    golden = {"weights": [[float(w) for w in row] for row in weights], "row_importance": [float(i) for i in of_rows],
              "column_importance": [float(i) for i in of_columns], "ternary": ternary, "codebook": codebook}
    path = pathlib.Path(__file__).with_name("body.json")
    path.write_text(json.dumps(golden) + "\n")
    print(path, path.stat().st_size, "bytes", ternary["distortion"], codebook["distortions"])


main()
