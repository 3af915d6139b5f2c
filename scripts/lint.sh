#!/bin/sh
# Checks the form of everything that is written by hand.
set -eu
cd "$(dirname "$0")/.."

swift format lint --strict --recursive --parallel Package.swift Sources Tests
for script in scripts/*.sh scripts/vm/*.sh .ci/run; do bash -n "$script"; done
if command -v shellcheck >/dev/null; then shellcheck -x scripts/*.sh scripts/vm/*.sh .ci/run; fi
# Parsed only: compiling would leave __pycache__ behind.
find examples scripts -name '*.py' -exec /usr/bin/python3 -c '
import ast, sys
for path in sys.argv[1:]:
    ast.parse(open(path, encoding="utf-8").read(), path)' {} +
