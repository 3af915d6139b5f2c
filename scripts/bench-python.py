"""Measures Python's JSON parser with texts of the scanner's benchmark: bench-python.py SAMPLES LINES.

Adds a line for each to the benchmarks' result. `make bench` runs it after `Benchmarks json --samples`.
"""

import json
import os
import sys
import time

ROUNDS = 15


def cost(text: bytes) -> float:
    """Nanoseconds of processor time a byte, the median of some rounds."""
    times = []
    for _ in range(ROUNDS):
        turns = max(1, (1 << 18) // len(text))
        start = time.process_time_ns()
        for _ in range(turns):
            json.loads(text)
        times.append((time.process_time_ns() - start) / turns / len(text))
    return sorted(times)[ROUNDS // 2]


def main(samples: str, lines: str) -> None:
    """Files are named `NUMBER NAME.json`."""
    with open(lines, "a", encoding="utf-8") as result:
        for file in sorted(os.listdir(samples), key=lambda file: int(file.split(" ")[0])):
            with open(os.path.join(samples, file), "rb") as sample:
                value = cost(sample.read())
            name = file.split(" ", 1)[1].removesuffix(".json")
            print(f"Python's json: {name}: {value:.3f} ns a byte")
            line = {"name": f"scan/{name}/python", "unit": "ns a byte", "samples": ROUNDS}
            result.write(json.dumps(line | {"values": {"p50": round(value, 4)}}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
