#!/bin/sh
# Runs the attack table in the machine: `prove vm` prints `passed: ...`, `FAILED: ...` or
# `skipped: ... (why)` for each of its cases, as the checks here do. In `default`, or in every profile.
# shellcheck source=scripts/vm/lib.sh
. /opt/vm/lib.sh

cd "$(cat /opt/vm/tree)" || exit 1
if [ ! -x .build/debug/prove ]; then
    echo "skipped: the attack table (.build/debug/prove is not there)"
    exit
fi
# Each profile takes minutes here.
if [ "$(cat /opt/vm/all)" = 1 ]; then
    export CORRAL_TEST_ALL=1
    profiles=
else
    profiles=default
    echo "not here but with CORRAL_TEST_ALL=1: the attacks in the other profiles"
fi
began=$(date +%s)
# An emulated machine is up to 20 times slower than the ones that limits of time were made for.
# shellcheck disable=SC2086 # One word each.
CORRAL_TEST_PATIENCE=10 .build/debug/prove vm $profiles 2>/dev/ttyS0 </dev/null
code=$?
echo "attack table: $(($(date +%s) - began)) s"
nothing_said
check "the attack table comes to its end (exit code $code)" test $code -eq 0
check "it leaves nothing" soon is_clean
