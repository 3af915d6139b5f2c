#!/bin/sh
# That the mechanisms of cgroup v2 really work here, each by an effect that nothing else has, and
# with the control that the effect is not there without it.
# shellcheck source=scripts/vm/lib.sh
. /opt/vm/lib.sh

# Starts `corral run`, as root or in the delegated cgroup $scope as an ordinary user, and waits for
# its sandbox: $running is its process, $group its cgroup.
scope=
start() {
    if [ -z "$scope" ]; then
        $corral run --json "$@" >/tmp/out 2>$report &
    else
        # shellcheck disable=SC2016 # Expanded by the inner shells.
        sh -c 'echo 0 >"$0/cgroup.procs" && exec su -c '\''exec "$@"'\'' -- plain sh "$@"' \
            "$scope" $corral run --json "$@" >/tmp/out 2>$report &
    fi
    running=$!
    soon runs
    group=$(sandboxes)
}

# Waits for its end; with an argument, ends it by that signal.
finish() {
    if [ $# -gt 0 ]; then kill "-$1" $running; fi
    # The shell tells of killed processes.
    wait $running 2>/dev/null
    code=$?
}

no_sandbox() { [ -z "$(sandboxes)" ] && ! pidof sandbox-init corral >/dev/null; }

# --- only v2 is there
check "nothing is mounted of cgroup v1" is "$(grep -c ' - cgroup ' /proc/self/mountinfo)" 0
check "a process is in one hierarchy" is "$(cat /proc/self/cgroup)" "0::/"
echo "hierarchies: $(grep ' - cgroup' /proc/self/mountinfo)"

# --- CLONE_INTO_CGROUP
# The kernel tells every process that is moved to another cgroup, by whatever means. An init that is in
# its group and was never moved there was born there.
tracing=/sys/kernel/tracing
mount -t tracefs tracefs $tracing
echo 4096 >$tracing/buffer_size_kb
for event in sched/sched_process_fork cgroup/cgroup_attach_task; do echo 1 >"$tracing/events/$event/enable"; done

born() {
    # shellcheck disable=SC2013 # One word a line.
    for pid in $(cat "$group/cgroup.procs"); do
        # An ordinary user's is run from memory: memfd:sandbox-i.
        case $(cat "/proc/$pid/comm") in *sandbox-i*) ;; *) continue ;; esac
        if grep -qE "sched_process_fork: comm=corral .* child_pid=$pid\$" $tracing/trace; then return; fi
    done
    # For who reads of the failure.
    # shellcheck disable=SC2013 # One word a line.
    {
        for pid in $(cat "$group/cgroup.procs"); do echo "$pid $(cat "/proc/$pid/comm")"; done
        tail -n 3 $tracing/trace
    } >/tmp/out
    return 1
}
moved() { grep -q "cgroup_attach_task: .*dst_path=[^ ]*$(basename "$group") " $tracing/trace; }
not_moved() { ! moved; }

born_in_its_group() {
    echo >$tracing/trace
    start -- sleep 100
    check "$1: the init is a child of corral and in its group" soon born
    check "$1: and was never moved there: it was cloned into it" not_moved
    sleep 1000 &
    echo $! >"$group/cgroup.procs"
    check "$1: a process that is moved there is seen to be (control)" moved
    kill $!
    finish TERM
    check "$1: nothing is left of it" soon no_sandbox
}

born_in_its_group root

# --- cgroup.kill
# A process of the machine's own in the sandbox's group: it is in none of the sandbox's namespaces, so
# neither the end of the init nor a signal of corral's to a process it knows reaches it.
with_guest() {
    start -- sleep 1000
    if [ "$1" = "without cgroup.kill" ]; then
        # What corral writes goes to a file of ours.
        : >/tmp/kill
        chmod 666 /tmp/kill
        mount --bind /tmp/kill "$group/cgroup.kill"
    fi
    sleep 1000 &
    guest=$!
    echo $guest >"$group/cgroup.procs"
    finish TERM
}
guest_was_killed() { wait $guest 2>/dev/null; [ $? -eq 137 ]; }
lives() { kill -0 $guest; }

kill_of_the_group() {
    with_guest "with cgroup.kill"
    check "$1: a run is ended" ended 143 operator
    check "$1: cgroup.kill has killed what no signal of corral's reaches" guest_was_killed
    check "$1: and nothing is left" soon no_sandbox
    with_guest "without cgroup.kill"
    check "$1: without cgroup.kill the same process lives (control)" lives
    check "$1: and the sandbox has ended all the same" ended 143 operator
    check "$1: corral has asked for the kill, once" is "$(cat /tmp/kill)" 1
    umount "$group/cgroup.kill"
    kill -KILL $guest
    wait $guest 2>/dev/null
}

kill_of_the_group root
run -- true
check "the next run removes the group that it was in" soon is_clean

# --- memory.max
# shellcheck disable=SC2086 # One word each.
start --memory 64MiB -- sh -c "$eat; sleep 100"
check "memory.events counts the kill for want of memory" soon counts memory.events oom_kill
check "the group keeps below memory.max" below "$group/memory.peak" 67108864
finish TERM
check "a run that the operator ends after a child was killed says both" ended 143 operator
check "the limit that was hit is in the report" said '"limits_hit":["memory"]'
start --memory 256MiB -- sh -c "$eat; echo survived; sleep 100"
check "the same under a higher limit is done" soon grep -q survived /tmp/out
check "and no kill is counted (control)" counts_nothing memory.events oom_kill
finish TERM
# shellcheck disable=SC2086
run --memory 64MiB -- sh -c "$eat; exit 3"
check "a killed child is not the end of its parent, whose exit is the cause" ended 3 exited
check "but the limit is told" said '"limits_hit":["memory"]'
run --memory 64MiB -- python3 -ISc 'x = bytearray(128 << 20)'
check "Python that is killed for memory ends with that cause" ended 137 memory
without memory,swap run --memory 64MiB -- python3 -ISc 'x = bytearray(128 << 20)'
check "and is not without that layer (control)" ended 0 exited
run --memory 64MiB -- sh -c "kill -KILL \$\$"
check "a process that is killed by hand is not taken for one" ended 137 signalled

# --- pids.max
# A shell would end when it cannot fork.
many='
import os, time
for _ in range(9):
    try: os.fork() or time.sleep(1000)
    except OSError: pass
time.sleep(1000)'
start --pids 6 -- python3 -ISc "$many"
check "pids.events counts refused forks" soon counts pids.events max
check "the group keeps below pids.max" below "$group/pids.current" 6
finish TERM
start --pids 60 -- python3 -ISc "$many"
check "ten processes are there under a higher limit" soon at_least 11 "$group/pids.current"
check "and none was refused (control)" counts_nothing pids.events max
finish TERM

# --- cpu.max
busy='while :; do :; done'
start --cpus 0.2 -- sh -c "$busy"
check "cpu.stat counts that the group is throttled" soon throttled mostly
finish TERM
without cpu start --cpus 0.2 -- sh -c "$busy"
check "without that layer it is not (control)" soon throttled seldom
finish TERM
check "after all of it nothing is left" soon is_clean

# --- the same for an ordinary user with a delegated cgroup
export XDG_RUNTIME_DIR=/tmp/plain-cgroups
mkdir -m 700 $XDG_RUNTIME_DIR
chown plain:plain $XDG_RUNTIME_DIR
scope=$groups/scope
mkdir $scope
chown plain:plain $scope $scope/cgroup.procs $scope/cgroup.subtree_control
run_plain $scope $corral run --json -- echo hello
check "an ordinary user's program runs in a delegated cgroup" printed hello
top=$scope
scope=$top/corral-supervisor
born_in_its_group "ordinary user"
kill_of_the_group "ordinary user"
run_plain $scope $corral run -- true
check "ordinary user: the next run removes the group that it was in" is "$(sandboxes)" ""
start --memory 64MiB --pids 6 --cpus 0.2 -- sh -c "$eat; python3 -ISc '$many' & $busy"
check "ordinary user: memory.events counts the kill" soon counts memory.events oom_kill
check "ordinary user: pids.events counts refused forks" soon counts pids.events max
check "ordinary user: cpu.stat counts that the group is throttled" soon throttled mostly
finish TERM
rmdir $scope $top
check "ordinary user: nothing is left" soon is_clean

for event in sched/sched_process_fork cgroup/cgroup_attach_task; do echo 0 >"$tracing/events/$event/enable"; done
umount $tracing
