"""Prints the report of `corral run --report FILE` for people: report.py FILE [layers].

One line says how the run ended and what it used; with `layers` a table of every
layer and its state follows.
"""

import json
import os
import sys

COLOURS = {"in force": "32", "partial": "33", "off": "31"}
COLOURED = sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def painted(state):
    colour = next((code for start, code in COLOURS.items() if state.startswith(start)), None)
    return f"\033[{colour}m{state}\033[0m" if colour and COLOURED else state


def mebibytes(count):
    return f"{count / (1 << 20):.1f} MiB" if count is not None else "unknown"


def ending(report):
    if report.get("signal") is not None:
        how = f"{report['cause']}, signal {report['signal']}"
    else:
        how = f"{report['cause']}, status {report.get('exit')}"
    times, memory = report.get("times", {}), report.get("memory", {})
    line = f"  {how}; ready in {times.get('launch_us', 0) / 1000:.1f} ms, "
    line += f"ran {times.get('wall_us', 0) / 1000:.0f} ms, peak memory {mebibytes(memory.get('peak_bytes'))}"
    hit = report.get("limits_hit") or []
    return line + (f"; limits hit: {', '.join(hit)}" if hit else "")


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        report = json.load(file)
    if "layers" in sys.argv[2:]:
        for layer, state in report["layers"].items():
            print(f"  {layer:<18}{painted(state)}")
    print(ending(report))


if __name__ == "__main__":
    main()
