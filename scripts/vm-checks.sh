#!/bin/sh
# The checks of `make test-vm`, run as root inside the virtual machine. Each prints one line.

corral=/opt/bin/corral
groups=/sys/fs/cgroup
report=/tmp/report
: >/tmp/out >$report
code=none

# A check's name, then a command that must succeed. What the last run said is shown when it fails.
check() {
    name=$1
    shift
    if "$@"; then
        echo "passed: $name"
        return
    fi
    echo "FAILED: $name"
    echo "  exit code $code, output: $(head -c 300 /tmp/out)"
    echo "  errors and report: $(head -c 600 $report)"
}

# `corral run` with a report; its exit code is in $code, its output in /tmp/out.
run() {
    $corral run --json "$@" >/tmp/out 2>$report
    code=$?
}

# As an ordinary user who is in the cgroup $1.
run_plain() {
    # shellcheck disable=SC2016 # Expanded by the inner shells.
    sh -c 'echo 0 >"$0/cgroup.procs" && exec su -c '\''exec "$@"'\'' -- plain sh "$@"' \
        "$@" >/tmp/out 2>$report
    code=$?
}

# About the last run.
ended() { [ "$code" -eq "$1" ] && grep -q "\"cause\":\"$2\"" $report; }
refused() { [ "$code" -eq 125 ] && grep -qF -- "$1" $report; }
said() { grep -qF -- "$1" $report; }
printed() { [ "$code" -eq 0 ] && [ "$(cat /tmp/out)" = "$1" ]; }
layer() { grep -q "\"$1\":\"$2" $report; }

# About the machine.
is() { [ "$1" = "$2" ]; }
begins() { case $1 in "$2"*) ;; *) return 1 ;; esac }
sandboxes() { find $groups -type d -name 'corral-run-*'; }
runs() { [ -n "$(sandboxes)" ] && grep -q 'populated 1' "$(sandboxes)/cgroup.events"; }
is_clean() {
    [ -z "$(find $groups -type d -name '*corral*')" ] && ! pidof sandbox-init corral >/dev/null &&
        ! grep -q corral /proc/self/mountinfo
}
soon() {
    for _ in $(seq 100); do
        if "$@" >/dev/null 2>&1; then return; fi
        usleep 50000
    done
    find $groups -type d -name '*corral*'
    return 1
}

# shellcheck disable=SC2016
bomb='f() { f | f & }; f; sleep 100'
eat='dd if=/dev/zero of=/dev/null bs=100M count=1'

# --- the machine
echo "kernel $(uname -r), $(nproc) processors, controllers: $(cat $groups/cgroup.controllers)"
check "the kernel is 6.1" begins "$(uname -r)" 6.1.
check "no controller is handed down before the first run" is "$(cat /early.controllers)" ""

# --- on the initramfs, before the switch to another root
code=$(cat /early.code)
cat /early.out >/tmp/out
cat /early.err >$report
check "on an initramfs a run is refused, with what to do" refused 'start corral after switch_root'
check "and leaves nothing" soon is_clean

# --- layers
# shellcheck disable=SC2016
run -- sh -c 'id -u; cat /proc/self/cgroup'
echo "report: $(cat $report)"
check "a program runs as the plugin, at the top of its own cgroups" printed "1000
0::/"
for name in user-ns mount-ns pid-ns net-ns ipc-ns uts-ns cgroup-ns uids groups capabilities \
    no-new-privs session keyring descriptors seccomp rlimits memory swap pids cpu; do
    check "$name is in force" layer "$name" 'in force'
done
check "landlock-fs is partial: ABI 2 does not restrict truncation" \
    layer landlock-fs 'partial(landlock ABI 2: truncation .*Linux 6.2'
check "landlock-tcp is off, with the Linux that has it" layer landlock-tcp 'off(.*Linux 6.7)'
check "landlock-scopes is off, with the Linux that has it" layer landlock-scopes 'off(.*Linux 6.12)'
check "the peak of memory is known" grep -q '"peak_bytes":[1-9]' $report
check "the controllers are handed down now" grep -qE 'cpu.*memory.*pids' $groups/cgroup.subtree_control
run -- sh -c 'exit 7'
check "the program's exit code is corral's" ended 7 exited
run -- sh -c 'echo x >/usr/x || mount -t tmpfs x /tmp || unshare -U true || kill -9 1'
check "writing to the image, mounting, a new namespace and killing the init are refused" ended 1 exited

# --- a terminal
# shellcheck disable=SC2016 # Expanded inside.
run -t -- sh -c 'test -t 0 && test -t 2 && ls /dev/pts && stty -echo && echo "$TERM" >/dev/tty'
tr -d '\r' </tmp/out | tr -s '[:space:]' ' ' >/tmp/words
mv /tmp/words /tmp/out
check "a program can have a terminal, which is all that there is" printed "0 ptmx xterm "
run -it -- true
check "-it without a terminal is refused" refused 'not a TTY'

# --- a profile that requires more than 6.1 has
run --profile strict -- true
check "strict refuses, and names a layer that 6.1 lacks" refused 'requires the layer landlock-'
check "strict names the Linux to use" said 'Linux 6.'
check "strict names the other way out" said 'take the layer out of require'
check "a run that is refused leaves nothing" soon is_clean

# --- limits
# shellcheck disable=SC2086 # One word each.
run --memory 64MiB -- $eat
check "a process that takes more memory than its limit is killed" ended 137 memory
# shellcheck disable=SC2086
CORRAL_TEST_WITHOUT=memory,swap run --memory 64MiB -- $eat
check "the same process without that limit is not" ended 0 exited
forks='for i in 1 2 3 4 5 6 7 8 9; do sleep 0.2 & done; wait'
run --pids 8 -- sh -c "$forks"
check "forks beyond the limit fail and are reported" said '"limits_hit":["pids"]'
run --pids 16 -- sh -c "$forks"
check "forks below the limit do not" said '"limits_hit":[]'

began=$(date +%s)
run --pids 8 --pids-kill -- sh -c "($forks); sleep 100"
check "with --pids-kill a fork beyond the limit ends the run" ended 122 pids
check "at once" test $(($(date +%s) - began)) -lt 50
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

# --- ends
began=$(date +%s)
run --pids 200 --cpus 0.2 --timeout 1s -- sh -c "$bomb"
check "a throttled fork bomb ends at its time limit" ended 124 timeout
check "within seconds" test $(($(date +%s) - began)) -lt 15
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
for i in 1 2 3 4 5 6 7 8; do $corral run -- echo done >/tmp/many.$i 2>/tmp/errors.$i & done
wait
check "8 runs at once succeed" is "$(cat /tmp/many.*)" "$(yes done | head -n 8)"
check "and leave nothing behind either" soon is_clean

# --- a directory of the host as workspace
mkdir -p /tmp/work
run --workspace /tmp/work -- true
check "a workspace on tmpfs is refused: idmapped mounts came to it later" refused 'tmpfs from Linux 6.3'
dd if=/dev/zero of=/tmp/disk bs=1M count=16 2>/dev/null
mke2fs -F /tmp/disk >/dev/null
mount -t ext4 -o loop /tmp/disk /mnt
mkdir /mnt/work
chown 1000:1000 /mnt/work
# shellcheck disable=SC2016
run --workspace /mnt/work -- sh -c 'echo hello >file; id -u'
check "a workspace on ext4 can be written to" printed 1000
check "what is written there belongs to the directory's owner" is "$(stat -c '%u %s' /mnt/work/file)" "1000 6"

# --- mounts that the caller adds
mkdir -m 755 /mnt/data
echo text >/mnt/data/file
chown -R 1234:1234 /mnt/data
run -v /mnt/data:/srv/data -v /mnt/data:/srv/ro:ro -v /mnt/data/file:/etc/app.conf:ro \
    --tmpfs /scratch:size=64k -- sh -c 'cat /etc/app.conf; echo new >/srv/data/new
    for f in /srv/ro/x /etc/app.conf; do (echo x >$f) 2>/dev/null || echo refused; done
    dd if=/dev/zero of=/scratch/x bs=128k count=1 2>/dev/null || stat -c %s /scratch/x'
check "directories, files and a memory file system are mounted" printed "text
refused
refused
65536"
check "what is written there belongs to the directory's owner as well" \
    is "$(stat -c '%u %s' /mnt/data/new)" "1234 4"
run -v /tmp/work:/srv/data -- true
check "a source on tmpfs is refused" refused 'tmpfs from Linux 6.3'
mkdir /mnt/place
mount --bind /etc /mnt/place
run -v /mnt/place:/srv/data -- true
check "a bind mount of /etc is refused" refused 'it is /etc, by another mount'
umount /mnt/place
check "a run with mounts leaves nothing" soon is_clean
umount /mnt

# --- a stored tree as root: here the launcher attaches it in a mount namespace of its own
tree=sha256-$(printf '%064d' 7)
root=/tmp/images/trees/$tree/root
mkdir -p $root/usr/bin $root/etc /tmp/images/names
cp /usr/bin/busybox $root/usr/bin/only-here
for name in sh cat; do ln -s only-here $root/usr/bin/$name; done
ln -s usr/bin $root/bin
ln -s / $root/tmp
ln -s / $root/dev
echo 'of the tree' >$root/etc/marker
cat >/tmp/images/names/small.yaml <<END
description: a small tree
hostname: sandbox
workspace: /workspace
tree: $tree
tmpfs:
  - { path: /tmp, size: 1MiB, files: 64, mode: 01777 }
devices:
  - { name: "null", major: 1, minor: 3 }
END
# shellcheck disable=SC2016
in_tree='cat /etc/marker; (echo x >/etc/new) 2>/dev/null || echo refused; echo own >/tmp/own; cat /tmp/own'
in_tree_says="of the tree
refused
own"
export CORRAL_IMAGES=/tmp/images
run --image small -- sh -c "$in_tree"
check "a stored tree is the root, read-only, with the sandbox's own directories" printed "$in_tree_says"
check "what its links point at is not written to" test ! -e /own
run --image small -- cat /proc/self/mountinfo
check "its directories are mounts of their own" grep -q "$tree/root/usr /usr ro,nosuid,nodev" /tmp/out
check "a run with a tree leaves nothing" soon is_clean

# --- an ordinary user
export XDG_RUNTIME_DIR=/tmp/plain
mkdir -m 700 $XDG_RUNTIME_DIR
chown plain:plain $XDG_RUNTIME_DIR
run_plain $groups $corral run --json -- echo hello
check "an ordinary user's program runs without a delegated cgroup" printed hello
check "its layers say what is missing" layer cpu 'off(no delegated cgroup)'

run_plain $groups $corral run --cpu-time 1s -- echo hello
check "a limit of cpu time is refused without a cgroup" refused 'needs a cgroup that counts cpu time: no delegated'

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
echo done
