"""Writes quantiser.json: the codes that minimise distortion + slope * bits, found by trying every choice.

    python tests/golden/make_quantiser_golden.py      (NumPy)

Written from docs/artifact.md and models/artifact/quantisers/row_quantiser.h, not from the C++: per row, every scale of the ladder
with every width, in double precision but for the weights and scales themselves.
"""
import json
import math
import pathlib

import numpy

ROWS, COLUMNS = 10, 40
MIN_BITS, MAX_BITS = 2, 8
SLOPES = [2.0 ** -12, 2.0 ** -8, 2.0 ** -5, 0.2]


def ladder(rms):
    first, last = math.floor(4 * math.log2(rms / 64)), math.ceil(4 * math.log2(4 * rms))
    return sorted({float(numpy.float16(2.0 ** (rung / 4))) for rung in range(first, last + 1)})


def encode(weights, scale, bits):
    largest = 2 ** (bits - 1) - 1
    clipped = numpy.clip(weights * (numpy.float32(1) / numpy.float32(scale)), -largest, largest)
    return numpy.rint(clipped.astype(numpy.float32)).astype(int)


def choices(weights):
    """(scale, bits, codes, bits of each row, distortion of each row) of every choice worth trying."""
    mean_square = float((weights.astype(float) ** 2).mean())
    rms = math.sqrt(mean_square)
    for scale in ladder(rms):
        seen = None
        for bits in range(MIN_BITS, MAX_BITS + 1):
            if (2 ** (bits - 1) - 1) * scale < rms:
                continue
            codes = encode(weights, scale, bits)
            if seen is not None and (codes == seen).all():
                continue  # a wider code that clips no less costs the same
            seen = codes
            symbols, counts = numpy.unique(codes, return_counts=True)
            cost_of = dict(zip(symbols, numpy.log2(codes.size / counts)))
            row_bits = [sum(cost_of[code] for code in row) for row in codes]
            distortion = ((weights.astype(float) - scale * codes) ** 2).sum(1) / mean_square
            yield scale, bits, codes, row_bits, distortion


def main():
    generator = numpy.random.default_rng(3)
    weights = generator.normal(0, 0.05, (ROWS, COLUMNS)) * numpy.linspace(0.5, 2, ROWS)[:, None]
    weights[2, 5] = 0.9  # an outlier, which a narrow code clips
    weights = weights.astype(numpy.float32)
    tried = list(choices(weights))
    golden = {"weights": [[float(w) for w in row] for row in weights], "min_bits": MIN_BITS, "max_bits": MAX_BITS,
              "slopes": []}
    for slope in SLOPES:
        best = [min(tried, key=lambda choice: choice[4][row] + slope * choice[3][row]) for row in range(ROWS)]
        golden["slopes"].append({
            "slope": slope, "scales": [int(numpy.float16(choice[0]).view(numpy.uint16)) for choice in best],
            "codes": [[int(code) for code in choice[2][row]] for row, choice in enumerate(best)],
            "bits": sum(choice[3][row] for row, choice in enumerate(best)),
            "distortion": float(sum(choice[4][row] for row, choice in enumerate(best)))})
    path = pathlib.Path(__file__).with_name("quantiser.json")
    path.write_text(json.dumps(golden) + "\n")
    print(path, path.stat().st_size, "bytes", [entry["bits"] / weights.size for entry in golden["slopes"]])


main()
