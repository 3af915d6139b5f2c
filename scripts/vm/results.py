"""Makes one line for each test of what a Swift Testing bundle prints.

Reads the text on standard input and prints `passed: Suite: test`... as the checks of the machine do.
A part of a test that was left out (Host.skip of TestSupport) is told with its reason.
"""

import re
import sys

TEST = re.compile(r'^(?P<mark>[✔✘➜]) Test (?P<name>".*?"|\S+?)(?P<cases> with \d+ test cases?)? '
                  r'(?P<what>passed after|failed after|skipped)(?P<rest>.*)$')
ISSUE = re.compile(r'^✘ Test (?:case passing .*? to )?(?P<name>".*?"|\S+) recorded an issue(?P<rest>.*)$')
SUITE = re.compile(r'^➜ Suite (?P<name>".*?"|\S+) skipped(?P<rest>.*)$')
LEFT_OUT = re.compile(r'^skipped: (?P<name>.*?): (?P<why>.*)$')
END = re.compile(r'^[✔✘] Test run with (?P<count>\d+) tests?.*')


def plain(name):
    """The name of a test without quotes, backticks and parameters."""
    return re.sub(r'\(.*\)$', '', name.strip('"`')).strip('`')


def main():
    left_out, issues = {}, {}
    ended = last = None
    code = "none"
    for line in sys.stdin:
        line = line.rstrip("\n")
        if match := TEST.match(line):
            name, last = plain(match["name"]), None
            if match["what"] == "skipped":
                print(f'skipped: test: {name}{match["rest"]}')
            elif match["mark"] == "✘":
                print(f"FAILED: test: {name}")
                for text in issues.pop(name, [])[:8]:
                    print(f"  {text[:1500]}")
            elif name in left_out and not match["cases"]:
                print(f"skipped: test: {name} ({left_out[name]})")
            else:
                part = f" (but for a part: {left_out[name]})" if name in left_out else ""
                print(f"passed: test: {name}{part}")
        elif match := ISSUE.match(line):
            last = plain(match["name"])
            issues.setdefault(last, []).append(match["rest"])
        elif match := SUITE.match(line):
            print(f'skipped: suite: {match["name"]}{match["rest"]}')
        elif match := LEFT_OUT.match(line):
            left_out[plain(match["name"])] = match["why"]
        elif match := END.match(line):
            ended = line
        elif line.startswith("exit code "):
            code = line.removeprefix("exit code ")
        elif line.startswith("↳") and last:
            issues[last].append(line)
    if ended is None or not code == "0" and "passed" in ended:
        print(f"FAILED: the test bundle comes to its end (exit code {code}; its text is in the console)")
    elif END.match(ended)["count"] == "0":
        print("FAILED: the filter of the suites names a test")
    else:
        print(ended)


main()
