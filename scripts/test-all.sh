#!/bin/bash
# Everything that can be tested here, however long it takes: every lane in full (CORRAL_TEST_ALL), the long
# soak, the emulated machine. A part that fails does not stop the next.
set -euo pipefail
cd "$(dirname "$0")/.."

# Seconds and status of each part, for the end.
table=()
failed=0
part() {
    local name=$1 began=$SECONDS status=0
    shift
    "$@" </dev/null || status=$?
    if [[ $status -ne 0 ]]; then failed=1; fi
    table+=("$(printf '  %-10s %5d s  status %d' "$name" $((SECONDS - began)) "$status")")
}

export CORRAL_TEST_ALL=1
part tests scripts/test.sh
part soak make --no-print-directory soak
part churn make --no-print-directory churn SECONDS=3600
part tenants .build/debug/Churn tenants --seconds 600
part test-vm make --no-print-directory test-vm
echo "== test-all"
printf '%s\n' "${table[@]}"
exit "$failed"
