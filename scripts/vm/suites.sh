#!/bin/sh
# Runs the package's own tests in the machine: the test bundle, as `swift test` would, with the suites
# below. The full text goes to the console; each test is one line of the results.
# shellcheck source=scripts/vm/lib.sh
. /opt/vm/lib.sh

# Suites that ask the kernel for something, in the order of their worth here.
suites='SandboxTests CgroupsTests'
# Hundreds of runs each: only where time does not matter. (The table of attacks is a part of its own.)
long='CauseMatrixTests'
skip='AttackTableTests AblationTests'

tree=$(cat /opt/vm/tree)
if [ "$(cat /opt/vm/all)" != 1 ]; then
    for suite in $long; do echo "skipped: suite: $suite (takes long here; CORRAL_TEST_ALL=1 runs it)"; done
    skip="$skip $long"
else
    export CORRAL_TEST_ALL=1
fi
if [ -s /opt/vm/filter ]; then suites=$(cat /opt/vm/filter); fi

filters=
for suite in $suites; do filters="$filters --filter $suite"; done
for suite in $skip; do filters="$filters --skip $suite"; done
echo "suites of the test bundle: $suites"
cd "$tree" || exit 1
mkdir -p .build/tmp
began=$(date +%s)
# An emulated machine is up to 20 times slower than the ones that the tests' limits were made for.
# shellcheck disable=SC2086 # One word each.
{
    TERM=dumb NO_COLOR=1 TMPDIR=/tmp CORRAL_TEST_PATIENCE=10 .build/debug/tests --testing-library swift-testing $filters 2>&1
    echo "exit code $?"
} </dev/null | tee /dev/ttyS0 | python3 -ISu /opt/vm/results.py
echo "suites: $(($(date +%s) - began)) s"
check "the tests leave nothing" soon is_clean
