#!/bin/sh
# Limits, what the kernel holds for them, and the causes that they end a run with.
# shellcheck source=scripts/vm/lib.sh
. /opt/vm/lib.sh

# --- limits
# shellcheck disable=SC2086 # One word each.
run --memory 64MiB -- $eat
check "a process that takes more memory than its limit is killed" ended 137 memory
# shellcheck disable=SC2086
without memory,swap run --memory 64MiB -- $eat
check "the same process without that limit is not" ended 0 exited
run --pids 8 -- sh -c "$forks"
check "forks beyond the limit fail and are reported" said '"limits_hit":["pids"]'
run --pids 16 -- sh -c "$forks"
check "forks below the limit do not" said '"limits_hit":[]'

began=$(date +%s)
run --pids 8 --pids-kill -- sh -c "($forks); sleep 100"
check "with --pids-kill a fork beyond the limit ends the run" ended 122 pids
check "at once" test $(($(date +%s) - began)) -lt 90
run --pids 16 --pids-kill -- sh -c "$forks"
check "forks below the limit do not" ended 0 exited
run --cpu-time 500ms -- sh -c 'while :; do :; done'
check "cpu time that is used up ends the run" ended 152 cpu
# shellcheck disable=SC2016
run --cpu-time 500ms -- sh -c 'while :; do (i=0; while [ $i -lt 99 ]; do i=$((i+1)); done); done'
check "that of children counts" ended 152 cpu
run --cpu-time 30s --timeout 2s -- sh -c 'while :; do :; done'
check "less than the limit does not" ended 124 timeout
run --output-limit 20 -- seq 1000
check "of much output the head and the tail are kept" is "$(sed 5q /tmp/out) $(tail -n 1 /tmp/out)" "1
2
3
4
5 1000"
check "and what was left out is counted" said '"left_out_bytes":3873'
run --output-limit 1000 --output-kill -- yes
check "with --output-kill much output ends the run" ended 153 output
run -- reboot -f
check "a call that the policy kills for ends the run" ended 159 seccomp
check "and is named" said 'system call reboot, rule at '

run --cpus 0.5 --memory 32MiB --pids 9 -- sleep 100 &
check "a group is there while the sandbox runs" soon runs
group=$(sandboxes)
check "it is at the top of the hierarchy" is "$(dirname "$group")" $groups
check "memory.max holds the limit" is "$(cat "$group/memory.max")" 33554432
check "memory.swap.max holds the limit" is "$(cat "$group/memory.swap.max")" 0
check "pids.max holds the limit" is "$(cat "$group/pids.max")" 9
check "cpu.max holds the limit" is "$(cat "$group/cpu.max")" "50000 100000"
kill -TERM "$(pidof corral)"
wait
check "a run that is ended by a signal leaves nothing" soon is_clean
