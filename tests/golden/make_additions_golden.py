"""Writes additions.json: what NumPy and ml_dtypes make of what the additions to a matrix's body compute by hand.

    python tests/golden/make_additions_golden.py      (NumPy, ml_dtypes)

float8: every code's value (null: NaN) and the codes of numbers, many of them half way between two.
svd: a matrix with its singular values and its best approximation of rank 3.
"""
import json
import pathlib

import ml_dtypes
import numpy

ROWS, COLUMNS, RANK = 24, 15, 3


def float8(generator):
    decoded = numpy.arange(256, dtype=numpy.uint8).view(ml_dtypes.float8_e4m3fn).astype(numpy.float32)
    positive = numpy.sort(decoded[:127])
    halfway = (positive[1:] + positive[:-1]) / 2
    numbers = numpy.concatenate([
        generator.normal(0, 1, 100), generator.normal(0, 100, 100).clip(-448, 448), generator.normal(0, 0.01, 100),
        halfway, -halfway, numpy.nextafter(halfway, numpy.float32(0)), [0, 448, -448]]).astype(numpy.float32)
    codes = numbers.astype(ml_dtypes.float8_e4m3fn).view(numpy.uint8)
    return {"decoded": [None if numpy.isnan(value) else float(value) for value in decoded],
            "numbers": [float(number) for number in numbers], "codes": [int(code) for code in codes]}


def svd(generator):
    matrix = generator.normal(0, 1, (ROWS, COLUMNS)) * 0.8 ** numpy.arange(COLUMNS)
    left, singular, right = numpy.linalg.svd(matrix, full_matrices=False)
    best = (left[:, :RANK] * singular[:RANK]) @ right[:RANK]
    return {"rows": ROWS, "columns": COLUMNS, "rank": RANK, "matrix": matrix.ravel().tolist(),
            "singular": singular[:RANK].tolist(), "best": best.ravel().tolist()}


def main():
    generator = numpy.random.default_rng(5)
    path = pathlib.Path(__file__).with_name("additions.json")
    path.write_text(json.dumps({"float8": float8(generator), "svd": svd(generator)}) + "\n")
    print(path, path.stat().st_size, "bytes")


main()
