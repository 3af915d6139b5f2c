"""Makes the benchmarks' result and the page that shows it.

    bench-report.py collect ROUNDS LINES RESULT   joins measurements and what they were made with
    bench-report.py write RESULT TEMPLATE PAGE    fills the page's template

A template is Markdown with figures in double braces:

    {{launch/corral:p50}}        the value p50 of the measurement launch/corral
    {{launch/corral:/p50}}       its ratio
    {{launch/corral:/p50 <= 2}}  whether it is at most (or at least, >=) that: "met" or "**not met**"
    {{@kernel}}                  something else that the result says; {{@versions.bwrap}}
    {{each launch/*}} REST       REST once for each such measurement; * stands for the part of its name

What was not measured is shown as a dash.
"""

import datetime
import json
import os
import platform
import re
import subprocess
import sys
import tempfile

DASH = "–"
BRACES = re.compile(r"\{\{(.+?)\}\}")
EACH = re.compile(r"^\{\{each ([^{}]*\*[^{}]*)\}\} ?(.*)$")
FIGURE = re.compile(r"^(?P<name>[^:]+):(?P<ratio>/?)(?P<key>[^<>=]+?)(?: (?P<test><=|>=) (?P<limit>[0-9.]+))?$")


class Mistake(Exception):
    """A template or a result that cannot be used, and where."""


def output(*command: str) -> str:
    """What a program says; empty when it is not there or fails."""
    # The compiler leaves directories behind in TMPDIR.
    with tempfile.TemporaryDirectory() as scratch:
        surroundings = os.environ | {"TMPDIR": scratch}
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=True, env=surroundings)
        except (OSError, subprocess.CalledProcessError):
            return ""
    return done.stdout


def version(text: str) -> str:
    """The first number with a dot in it, with what belongs to it."""
    found = re.search(r"\d+\.\d[\w.+~-]*", text)
    return found.group().rstrip(".") if found else "unknown"


def file_text(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def line_value(text: str, name: str) -> str:
    """Of a file such as /proc/cpuinfo, `NAME : VALUE` a line."""
    found = re.search(rf"^{re.escape(name)}\s*:\s*(.*)$", text, re.MULTILINE)
    return found.group(1) if found else "unknown"


def cgroups(mounts: str) -> str:
    """How the control groups are mounted, out of /proc/mounts."""
    kinds = {fields[2] for fields in (line.split(" ") for line in mounts.splitlines()) if len(fields) > 2}
    v1, v2 = "cgroup" in kinds, "cgroup2" in kinds
    return "hybrid" if v1 and v2 else "v2" if v2 else "v1" if v1 else "none"


def surroundings() -> dict:
    """What the figures were measured with."""
    cpu = file_text("/proc/cpuinfo")
    memory = int(line_value(file_text("/proc/meminfo"), "MemTotal").split()[0])
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%MZ"),
        "kernel": platform.release(),
        "cgroups": cgroups(file_text("/proc/mounts")),
        "machine": {
            "model": line_value(cpu, "model name"),
            "processors": os.cpu_count(),
            "mhz": round(float(line_value(cpu, "cpu MHz"))),
            "memoryMiB": memory // 1024,
            "kind": "virtual" if "hypervisor" in line_value(cpu, "flags").split() else "not virtual",
        },
        "versions": {
            "swift": version(output("swift", "--version")),
            "bwrap": version(output("bwrap", "--version")),
            "runc": version(output("runc", "--version")),
            "socat": version(output("socat", "-V").partition("socat version")[2]),
            "python": platform.python_version(),
        },
    }


def collect(rounds: str, lines: str, result: str) -> None:
    """Joins the lines that the benchmarks wrote; a name that comes twice is a mistake of theirs."""
    measurements, left_out, names = [], [], set()
    before = {"load": None, "commit": "unknown"}
    for line in file_text(lines).splitlines():
        entry = json.loads(line)
        if "leftOut" in entry:
            left_out.append({"name": entry["leftOut"], "reason": entry["reason"]})
            continue
        if "before" in entry:
            before = entry["before"]
            continue
        if entry["name"] in names:
            raise Mistake(f"{entry['name']} was measured twice")
        names.add(entry["name"])
        measurements.append(entry)
    whole = {"schema": 1, "rounds": int(rounds)} | surroundings()
    whole["commit"] = before["commit"]
    whole["machine"]["load"] = before["load"]
    whole |= {"leftOut": left_out, "measurements": measurements}
    with open(result, "w", encoding="utf-8") as file:
        json.dump(whole, file, indent=1, ensure_ascii=False)
        file.write("\n")


def shown(value: object) -> str:
    """Three figures, more only before the point; what is no number as it stands."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, int) or abs(value) >= 99.95:
        return f"{round(value):,}"
    return f"{value:.1f}" if abs(value) >= 9.995 else f"{value:.2f}"


class Page:
    """Fills a template with one result."""

    def __init__(self, result: dict) -> None:
        self.result = result
        self.measurements = {entry["name"]: entry for entry in result["measurements"]}
        # Lines of the template with a figure that nobody measured.
        self.missing: list = []

    def fill(self, template: str) -> str:
        lines = []
        for number, line in enumerate(template.splitlines(), 1):
            try:
                lines += self.lines(line)
            except Mistake as mistake:
                raise Mistake(f"line {number}: {mistake}") from None
        return "\n".join(lines) + "\n"

    def lines(self, line: str) -> list:
        each = EACH.match(line)
        if not each:
            filled = BRACES.sub(lambda found: self.text(found.group(1)), line)
            if DASH in filled and DASH not in line:
                self.missing.append(line)
            return [filled]
        pattern, rest = each.groups()
        front, _, back = pattern.partition("*")
        form = re.compile(re.escape(front) + "([^/]+)" + re.escape(back))
        stars = [found.group(1) for found in map(form.fullmatch, self.measurements) if found]

        def row(star: str) -> str:
            named = rest.replace("{{*}}", star)
            return BRACES.sub(lambda found: self.text(found.group(1).replace("*", star)), named)

        return [row(star) for star in stars]

    def text(self, inside: str) -> str:
        if inside == "@leftOut":
            return self.left_out()
        if inside.startswith("@"):
            return shown(self.field(inside[1:]))
        figure = FIGURE.match(inside)
        if not figure:
            raise Mistake(f"{{{{{inside}}}}} is no figure")
        name, ratio, key, test, limit = figure.group("name", "ratio", "key", "test", "limit")
        measurement = self.measurements.get(name, {})
        value = measurement.get("ratios" if ratio else "values", {}).get(key)
        if value is None:
            return DASH
        if not test:
            whole = not ratio and measurement["unit"] in ("count", "bytes")
            return shown(round(value) if whole else float(value))
        met = value <= float(limit) if test == "<=" else value >= float(limit)
        return "met" if met else "**not met**"

    def field(self, path: str) -> object:
        value = self.result
        for name in path.split("."):
            if name not in value:
                raise Mistake(f"the result has no {path}")
            value = value[name]
        return value

    def left_out(self) -> str:
        entries = [f"{entry['name']} ({entry['reason']})" for entry in self.result["leftOut"]]
        return "Left out: " + "; ".join(entries) + "." if entries else "Nothing was left out."


def write(result: str, template: str, page: str) -> None:
    filler = Page(json.loads(file_text(result)))
    text = filler.fill(file_text(template))
    with open(page, "w", encoding="utf-8") as file:
        file.write(text)
    for line in filler.missing:
        print(f"bench-report: has figures that were not measured: {line}", file=sys.stderr)


def main(words: list) -> int:
    commands = {"collect": collect, "write": write}
    if len(words) != 4 or words[0] not in commands:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        commands[words[0]](*words[1:])
    except (Mistake, OSError, ValueError) as error:
        print(f"bench-report {words[0]}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
