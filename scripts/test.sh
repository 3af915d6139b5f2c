#!/bin/bash
# Lints, builds without a warning and runs every test: test.sh [swift test options].
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p .build/tmp

echo "== lint"
scripts/lint.sh

echo "== build"
swift build </dev/null 2>&1 | tee .build/build.log
if grep -q 'warning:' .build/build.log; then
    echo "test: the build printed warnings; there must be none" >&2
    exit 1
fi

echo "== test"
status=0
swift test "$@" </dev/null 2>&1 | tee .build/test.log || status=$?
# Whoever sees only the end of a long log must see what failed, and what was not shown.
if [ "$status" -ne 0 ] && grep -A3 -E '✘.* recorded an issue|error:|Fatal error' .build/test.log >.build/failed.log; then
    echo "== failed"
    head -c 20000 .build/failed.log
fi
if grep -E '➜.* skipped|^skipped:' .build/test.log >.build/skipped.log; then
    echo "== skipped"
    cat .build/skipped.log
fi
exit "$status"
