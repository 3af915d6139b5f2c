#!/bin/sh
# Runs the attack table in the machine, where it was built: `prove` prints `passed: ...`,
# `FAILED: ...` or `skipped: ... (why)` for each of its cases.
# shellcheck source=scripts/vm/lib.sh
. /opt/vm/lib.sh

if [ ! -x /opt/vm/prove ]; then
    echo "skipped: the attack table (.build/debug/prove is not there)"
    exit
fi
began=$(date +%s)
/opt/vm/prove vm 2>/dev/ttyS0 </dev/null
code=$?
echo "attack table: $(($(date +%s) - began)) s"
nothing_said
check "the attack table comes to its end (exit code $code)" test $code -eq 0
check "it leaves nothing" soon is_clean
