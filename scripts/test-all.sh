#!/bin/bash
# Everything that can be tested here, however long it takes: every lane in full (CORRAL_TEST_ALL), the long
# soak, an hour of churn and beside it the emulated machine, which counts nothing of this one. A part that fails
# does not stop the next.
set -euo pipefail
cd "$(dirname "$0")/.."

mkdir -p .build/lanes
table=.build/lanes/parts
: >"$table"

# Seconds and status of each part go to the table.
part() {
    local name=$1 began=$SECONDS status=0
    shift
    "$@" </dev/null || status=$?
    printf '  %-10s %5d s  status %d\n' "$name" $((SECONDS - began)) "$status" >>"$table"
}

export CORRAL_TEST_ALL=1
part tests scripts/test.sh
part soak make --no-print-directory soak
part test-vm make --no-print-directory test-vm >.build/lanes/test-vm.out 2>&1 &
part churn make --no-print-directory churn SECONDS=3600
part tenants .build/debug/Churn tenants --seconds 600
wait
cat .build/lanes/test-vm.out
echo "== test-all"
cat "$table"
if grep -vq 'status 0$' "$table"; then exit 1; fi
