"""Writes rans.json: streams of the rANS coder, each with the bytes that it codes.

    python tests/golden/make_rans_golden.py

Written from docs/artifact.md, not from the C++. Levels and references are drawn, not fitted: a decoder must take any.
"""
import json
import pathlib
import random

TOTAL, LEAST, SEEN, LEVELS, FARTHEST_OFFSET = 1 << 14, 1 << 16, 32, 44, 24


def write_states(items):
    """The states and words of (start, frequency, lane) in the order of reading."""
    states, words = [LEAST, LEAST], []
    for start, frequency, lane in reversed(items):
        if states[lane] >= frequency << 18:
            words.append(states[lane] % 65536)
            states[lane] //= 65536
        states[lane] = states[lane] // frequency * TOTAL + states[lane] % frequency + start
    return b"".join(state.to_bytes(4, "little") for state in states) + b"".join(
        word.to_bytes(2, "little") for word in reversed(words))


def raw(byte, lane=0):
    return [(64 * byte, 64, lane)]


def symbol(weights, byte, lane=0):
    """A byte under weights: its slots, or the escape and the byte itself."""
    total = sum(weights)
    start, end = (sum(weights[:upto]) * (TOTAL - 1) // total for upto in (byte, byte + 1))
    return [(start, end - start, lane)] if end > start else [(TOTAL - 1, 1, lane)] + raw(byte, lane)


class Counted:
    def __init__(self, prior):
        self.counts, self.table, self.seen, self.due = list(prior), list(prior), 0, 1

    def symbol(self, byte, lane=0):
        items = symbol(self.table, byte, lane)
        self.counts[byte] += SEEN
        self.seen += 1
        if self.seen == self.due:
            self.due, self.table = self.seen + self.seen // 8 + 1, list(self.counts)
        return items


def normal(level, largest):
    """In units of 2^-20, by byte."""
    q = 4294920955 if level % 2 else 4294901760
    for _ in range((LEVELS - 1 - level) // 2):
        q = q * q >> 32
    weight, ratio, weights = 2 ** 32 - 1, q, [0] * 256
    weights[0] = weight
    for code in range(1, 1024):
        weight = weight * ratio >> 32
        ratio = ratio * (q * q >> 32) >> 32
        for clipped in (min(code, largest), -min(code, largest)):
            weights[clipped % 256] += weight
    total = sum(weights)
    return [(weight << 20) // total for weight in weights]


def spread(level, largest, tails):
    clamp = lambda at: max(0, min(LEVELS - 1, at))
    at = clamp(level)
    return [2 * a + b + c for a, b, c in zip(normal(at, largest), normal(clamp(at - tails), largest),
                                             normal(clamp(at + tails), largest))]


def by_counts(data):
    table = Counted([SEEN // 2] * 256)
    return b"\0" + write_states([item for i, byte in enumerate(data) for item in table.symbol(byte, i % 2)])


def by_spreads(data, columns, largest, base, tails, rows_at, columns_at, references):
    items = []
    distances, quarters = Counted([64 * SEEN, SEEN] + [1] * 254), Counted([1] * 256)
    for distance, factor in references:
        items += distances.symbol(distance)
        if distance:
            items += quarters.symbol(factor % 256)
    items += raw(largest) + raw(base)
    prior = [0] * 256
    for offset in range(-FARTHEST_OFFSET, FARTHEST_OFFSET + 1):
        prior[offset % 256] = max(1, (SEEN // 2) >> (abs(offset) // 2))
    for offsets in (rows_at, columns_at):
        table = Counted(prior)
        for offset in offsets:
            items += table.symbol(offset % 256)
    signed = [byte - 256 if byte > 127 else byte for byte in data]
    tables = {}
    for at, code in enumerate(signed):
        row, column = divmod(at, columns)
        distance, factor = references[row] if references else (0, 0)
        if distance:
            code -= (signed[at - distance * columns] * factor + 2) >> 2
        level = base + rows_at[row] + columns_at[column]
        if level not in tables:
            tables[level] = spread(level, largest, tails)
        items += symbol(tables[level], code % 256, column % 2)
    return bytes([1 + tails + (4 if references else 0)]) + write_states(items)


def main():
    generator = random.Random(5)
    cases = []

    def case(data, row_bytes, stream):
        cases.append({"bytes": data.hex(), "row_bytes": row_bytes, "stream": stream.hex()})

    text = b"what is read first is written last; " * 4
    case(text, 0, by_counts(text))
    for tails, referring, deviation in ((0, False, 0.4), (1, False, 3), (2, True, 12), (3, True, 60)):
        columns, rows = 11, 7
        size = columns * rows - 4
        data = bytes(max(-127, min(127, round(generator.gauss(0, deviation)))) % 256 for _ in range(size))
        data = data[:20] + b"\x80\x7f" + data[22:]
        references = [(min(row, generator.choice((0, 1, 2))), generator.randint(-8, 8)) for row in range(rows)]
        case(data, columns, by_spreads(
            data, columns, generator.randint(1, 127), generator.randint(4, 40), tails,
            [generator.randint(-3, 3) for _ in range(rows)], [generator.randint(-24, 24) for _ in range(columns)],
            references if referring else []))
    path = pathlib.Path(__file__).with_name("rans.json")
    path.write_text(json.dumps(cases, indent=0) + "\n")
    print(path, path.stat().st_size, "bytes", [len(case["stream"]) // 2 for case in cases])


main()
