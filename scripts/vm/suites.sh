#!/bin/sh
# Runs the package's own tests in the machine: the test bundle, as `swift test` would, with the suites
# below. The full text goes to the console; each test is one line of the results.
# shellcheck source=scripts/vm/lib.sh
. /opt/vm/lib.sh
# shellcheck source=scripts/vm/run-suites.sh
. /opt/vm/run-suites.sh

# Those that ask the kernel for something, by regular expressions for their names. Suites of one process run
# beside each other; those of sessions, which start daemons, are run by a process of their own.
suites='CgroupsTests\. SandboxTests\.LayerTests SandboxTests\.AttackTests IdentityTests CauseTests
    OneAtATime/LifetimeTests SandboxTests\.ExitTests SandboxTests\.InitTests SandboxTests\.MountTests
    SandboxTests\.NetworkTests OutputLimitTests'
sessions='WardenTests\.EngineEndTests WardenServerTests\.EndTests WardenServerTests\.ServingTests
    DaemonTests\.RestartTests DaemonTests\.SessionTests DaemonTests\.OrdinaryUserTests
    DaemonTests\.PrivilegeTests SessionActionCommandTests SessionStatsCommandTests'
# All that ask the kernel for something. What tenants, tokens and workspaces' records are does not depend on
# it, and the emulator needs hours for it: CORRAL_TEST_FILTER='DaemonTests' has it.
if [ "$(cat /opt/vm/all)" = 1 ]; then
    suites='CgroupsTests\. SandboxTests\.'
    sessions='WardenTests\. WardenServerTests\. DaemonTests\.RestartTests DaemonTests\.SessionTests
        DaemonTests\.OrdinaryUserTests DaemonTests\.PrivilegeTests SessionActionCommandTests
        SessionStatsCommandTests'
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

# shellcheck disable=SC2086 # One word each.
run_suites $suites
# shellcheck disable=SC2086
if [ -n "$sessions" ]; then run_suites $sessions; fi
