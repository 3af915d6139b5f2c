#!/bin/sh
# What is in force on this kernel, and what is said of the rest.
# shellcheck source=scripts/vm/lib.sh
. /opt/vm/lib.sh

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
