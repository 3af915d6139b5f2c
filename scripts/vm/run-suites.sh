# How suites of the package's tests are run in the machine, and the way to their tree. Sourced by suites.sh and
# checks-volumes.sh, which set $order and $skip.
# shellcheck shell=sh
# shellcheck disable=SC2154 # Of who sources this: order, skip.

cd "$(cat /opt/vm/tree)" || exit 1
mkdir -p .build/tmp

# An emulated machine is up to 20 times slower than the ones that the tests' limits were made for.
run_suites() {
    filters=
    for suite in "$@"; do filters="$filters --filter $suite"; done
    for suite in $skip; do filters="$filters --skip $suite"; done
    echo "suites of the test bundle:" "$@"
    began=$(date +%s)
    # shellcheck disable=SC2086 # One word each.
    {
        TERM=dumb NO_COLOR=1 TMPDIR=/tmp CORRAL_TEST_PATIENCE=10 \
            .build/debug/tests --testing-library swift-testing $order $filters 2>&1
        echo "exit code $?"
    } </dev/null | tee /dev/ttyS0 | python3 -ISu /opt/vm/results.py
    echo "suites: $(($(date +%s) - began)) s"
    check "the tests leave nothing" soon is_clean
}
