#!/bin/sh
# Ordinary users, with and without delegated cgroups; a container.
# shellcheck source=scripts/vm/lib.sh
. /opt/vm/lib.sh

# --- an ordinary user
export XDG_RUNTIME_DIR=/tmp/plain
mkdir -m 700 $XDG_RUNTIME_DIR
chown plain:plain $XDG_RUNTIME_DIR
run_plain $groups $corral run --json -- echo hello
check "an ordinary user's program runs without a delegated cgroup" printed hello
check "its layers say what is missing" layer cpu 'off(no delegated cgroup)'

run_plain $groups $corral run --cpu-time 1s -- echo hello
check "a limit of cpu time is refused without a cgroup" refused 'needs a cgroup that counts cpu time: no delegated'

store_tree
run_plain $groups $corral run --json --image small -- sh -c "$in_tree"
check "an ordinary user's sandbox has a stored tree of root's as well" printed "$in_tree_says"

mkdir /tmp/own
chown plain:plain /tmp/own
run_plain $groups $corral run --json -v /tmp/own:/srv/data -v /tmp/own:/srv/ro:ro -- \
    sh -c 'echo new >/srv/data/file; (echo x >/srv/ro/x) 2>/dev/null || cat /srv/ro/file'
check "an ordinary user's sandbox has mounts as well" printed new
check "what is written there is the user's" is "$(stat -c %U /tmp/own/file)" plain

scope=$groups/scope
mkdir $scope
chown plain:plain $scope $scope/cgroup.procs $scope/cgroup.subtree_control
run_plain $scope $corral run --json -- echo hello
check "an ordinary user's program runs in a delegated cgroup" printed hello
for name in memory swap pids cpu; do check "$name is in force there" layer $name 'in force'; done
check "its group is gone" is "$(sandboxes)" ""
# shellcheck disable=SC2086
run_plain $scope/corral-supervisor $corral run --json --memory 64MiB -- $eat
check "its memory limit kills" ended 137 memory
# shellcheck disable=SC2016
run_plain $scope/corral-supervisor $corral run --json --cpu-time 500ms -- sh -c 'while :; do :; done'
check "its limit of cpu time ends a run" ended 152 cpu
run_plain $scope/corral-supervisor $corral run --json --pids 4 --pids-kill -- sh -c "($forks); sleep 100"
check "a fork beyond its limit of processes does, where that is asked for" ended 122 pids
rmdir $scope/corral-supervisor $scope
check "nothing else is left of it" soon is_clean

# --- as in a container: the visible top is no root cgroup and has processes in it
mkdir $groups/container
sh -c 'echo 0 >'$groups'/container/cgroup.procs && mount --bind '$groups'/container '$groups' &&
    exec '$corral' run -- true' >/tmp/out 2>$report
code=$?
umount $groups
check "processes in the cgroup that would hand down are an error" refused 'EBUSY'
check "with its cure" said 'systemd-run --scope -p Delegate=yes corral run'
rmdir $groups/container
check "in the end nothing is left" soon is_clean
