#!/bin/sh
# Runs the package's own tests in the machine: the test bundle, as `swift test` would, with the suites
# below. The full text goes to the console; each test is one line of the results.
# shellcheck source=scripts/vm/lib.sh
. /opt/vm/lib.sh

# Those that ask the kernel for something, by regular expressions for their names. Suites of one process run
# beside each other; those of sessions, which start daemons, are run by a process of their own.
suites='CgroupsTests\. SandboxTests\.LayerTests SandboxTests\.AttackTests IdentityTests CauseTests
    OneAtATime/LifetimeTests SandboxTests\.ExitTests SandboxTests\.InitTests SandboxTests\.MountTests
    SandboxTests\.NetworkTests OutputLimitTests'
sessions='WardenTests\.EngineEndTests WardenServerTests\.EndTests WardenServerTests\.ServingTests
    DaemonTests\.RestartTests DaemonTests\.SessionTests DaemonTests\.OrdinaryUserTests
    DaemonTests\.PrivilegeTests SessionActionCommandTests SessionStatsCommandTests'
# All of their kind, and those that a real machine shows as well: where time does not matter.
if [ "$(cat /opt/vm/all)" = 1 ]; then
    suites='CgroupsTests\. SandboxTests\.'
    sessions='WardenTests\. WardenServerTests\. DaemonTests\.'
    export CORRAL_TEST_ALL=1
    # A test's limit of time counts from its start, and hundreds that start at once wait for one another.
    order=--no-parallel
    skip=
else
    order=
    # A thousand runs, and a bomb that takes minutes with a tenth of this processor (checks-ends.sh has one).
    skip='ManyTests fork.bomb.under.a.quota'
    echo "not here but with CORRAL_TEST_ALL=1: the other suites of these targets, and $skip"
fi
# What the next part shows.
skip="$skip AttackTableTests AblationTests"
if [ -s /opt/vm/filter ]; then
    suites=$(cat /opt/vm/filter)
    sessions=
fi

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

# shellcheck disable=SC2086 # One word each.
run_suites $suites
# shellcheck disable=SC2086
if [ -n "$sessions" ]; then run_suites $sessions; fi
