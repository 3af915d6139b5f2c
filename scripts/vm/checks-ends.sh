#!/bin/sh
# How runs end, one and many.
# shellcheck source=scripts/vm/lib.sh
. /opt/vm/lib.sh

# --- ends
began=$(date +%s)
run --pids 200 --cpus 0.2 --timeout 1s -- sh -c "$bomb"
check "a throttled fork bomb ends at its time limit" ended 124 timeout
check "within seconds" test $(($(date +%s) - began)) -lt 60
check "and leaves nothing" soon is_clean

run -- sleep 100 &
check "a sandbox runs" soon runs
kill -KILL "$(pidof corral)"
wait
left=$(sandboxes)
check "a killed corral leaves its group" test -d "$left"
run -- true
check "the next run removes it" soon is_clean

# --- many
began=$(date +%s)
failures=0
for _ in $(seq 50); do
    run -- true
    if [ "$code" -ne 0 ]; then failures=$((failures + 1)); fi
done
echo "50 runs one after the other: $(($(date +%s) - began)) s, emulated"
check "50 runs one after the other succeed" is $failures 0
check "and leave nothing" soon is_clean
for i in 1 2 3 4 5 6 7 8; do $corral run -- echo "done" >/tmp/many.$i 2>/tmp/errors.$i & done
wait
check "8 runs at once succeed" is "$(cat /tmp/many.*)" "$(yes "done" | head -n 8)"
check "and leave nothing behind either" soon is_clean
