#!/bin/bash
# Checks that the release build of corral has no switch of the tests in it: check-release.sh.
# `make build` makes that build. Starts sandboxes where it may (as root), and says so where not.
set -euo pipefail
cd "$(dirname "$0")/.."
corral=.build/release/corral

if [[ ! -x $corral ]]; then
    echo "check-release: there is no $corral; run make build first" >&2
    exit 1
fi
if grep -qaF CORRAL_TEST_WITHOUT "$corral"; then
    echo "check-release: the release build knows CORRAL_TEST_WITHOUT" >&2
    exit 1
fi
# The positive control: the words are looked for where they are.
if [[ -x .build/debug/corral ]] && ! grep -qaF CORRAL_TEST_WITHOUT .build/debug/corral; then
    echo "check-release: the debug build does not know CORRAL_TEST_WITHOUT either, so this check sees nothing" >&2
    exit 1
fi
# The daemons cannot be made to die where a test wants it.
for program in corrald corral-warden; do
    if [[ -x .build/release/$program ]] && grep -qaF CORRAL_TEST_FAIL_POINTS ".build/release/$program"; then
        echo "check-release: the release build of $program knows CORRAL_TEST_FAIL_POINTS" >&2
        exit 1
    fi
    if [[ -x .build/debug/$program ]] && ! grep -qaF CORRAL_TEST_FAIL_POINTS ".build/debug/$program"; then
        echo "check-release: the debug build of $program does not know CORRAL_TEST_FAIL_POINTS either" >&2
        exit 1
    fi
done
if [[ $(id -u) -ne 0 ]]; then
    echo "check-release: no sandbox was started: that needs root here"
    exit 0
fi
report=$(CORRAL_TEST_WITHOUT=seccomp,landlock-fs,memory "$corral" run --json -- true 2>&1 | tail -n 1)
for layer in seccomp landlock-fs memory; do
    if [[ $report != *"\"$layer\":\"in force"* && $report != *"\"$layer\":\"partial(landlock"* ]]; then
        echo "check-release: with CORRAL_TEST_WITHOUT set, $layer is not in force: $report" >&2
        exit 1
    fi
done
