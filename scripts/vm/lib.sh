# What all checks of `make test-vm` share. They run as root inside the virtual machine, and each
# prints one line.
# shellcheck shell=sh
# shellcheck disable=SC2034 # Used by who sources this.

corral=/opt/bin/corral
groups=/sys/fs/cgroup
report=/tmp/report
code=none
nothing_said() { : >/tmp/out && : >$report; }
nothing_said

# A check's name, then a command that must succeed. What the last run said is shown when it fails.
check() {
    name=$1
    shift
    if "$@"; then
        echo "passed: $name"
        return
    fi
    echo "FAILED: $name"
    echo "  exit code $code, output: $(head -c 1000 /tmp/out)"
    echo "  errors and report: $(head -c 1000 $report)"
}

# `corral run` with a report; its exit code is in $code, its output in /tmp/out.
run() {
    $corral run --json "$@" >/tmp/out 2>$report
    code=$?
}

# `corral daemon`; its exit code is in $code, what it prints in /tmp/out.
daemon() {
    $corral daemon "$@" >/tmp/out 2>$report
    code=$?
}

# Runs a function with these layers of corral left out: the debug build can do that.
without() {
    export CORRAL_TEST_WITHOUT="$1"
    shift
    "$@"
    unset CORRAL_TEST_WITHOUT
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
refused() { failed 125 "$1"; }
said() { grep -qF -- "$1" $report; }
printed() { [ "$code" -eq 0 ] && [ "$(cat /tmp/out)" = "$1" ]; }
said_out() { grep -qF -- "$1" /tmp/out; }
failed() { [ "$code" -eq "$1" ] && grep -qF -- "$2" $report; }
layer() { grep -q "\"$1\":\"$2" $report; }

# About the machine.
is() { [ "$1" = "$2" ]; }
begins() { case $1 in "$2"*) ;; *) return 1 ;; esac }
sandboxes() { find $groups -type d \( -name 'corral-run-*' -o -name 'corral-session-*' -o -name 'corral-tenant-*' \); }
runs() { [ -n "$(sandboxes)" ] && grep -q 'populated 1' "$(sandboxes)/cgroup.events"; }
# The value of a member of the JSON object that was printed.
member() { sed -n "s/.*\"$1\": *\"\{0,1\}\([^\",}]*\).*/\1/p" /tmp/out | head -n 1; }
# About the sandbox whose cgroup is $group.
counts() { grep -qE "^$2 [1-9]" "$group/$1"; }
counts_nothing() { grep -q "^$2 0\$" "$group/$1"; }
at_least() { [ "$(cat "$2")" -ge "$1" ]; }
below() { [ "$(cat "$1")" -le "$2" ]; }
# In more than half of its periods, or not. (A machine that is not given its time throttles now and
# then even what may use every processor.)
throttled() {
    periods=$(sed -n 's/^nr_periods //p' "$group/cpu.stat")
    hits=$(sed -n 's/^nr_throttled //p' "$group/cpu.stat")
    case $1 in
    mostly) [ "${periods:-0}" -ge 10 ] && [ $((2 * hits)) -gt "$periods" ] ;;
    seldom) [ "${periods:-0}" -ge 10 ] && [ $((2 * hits)) -le "$periods" ] ;;
    esac
}
is_clean() {
    [ -z "$(find $groups -type d -name '*corral*')" ] &&
        ! pidof sandbox-init corral corrald corral-warden >/dev/null &&
        ! grep -q corral /proc/self/mountinfo
}
# A command that must succeed within a minute.
soon() {
    patience=$(($(date +%s) + 60))
    while [ "$(date +%s)" -lt $patience ]; do
        if "$@" >/dev/null 2>&1; then return; fi
        usleep 50000
    done
    find $groups -type d -name '*corral*'
    # shellcheck disable=SC2046 # One word each.
    for pid in $(pidof sandbox-init corral corrald corral-warden); do
        echo "process $pid: $(tr '\0' ' ' <"/proc/$pid/cmdline") ($(grep -E '^(State|PPid)' "/proc/$pid/status" | tr -s '\t\n' ' '))"
    done
    grep corral /proc/self/mountinfo
    return 1
}

# shellcheck disable=SC2016
bomb='f() { f | f & }; f; sleep 100'
forks='for i in 1 2 3 4 5 6 7 8 9; do sleep 0.2 & done; wait'
eat='dd if=/dev/zero of=/dev/null bs=100M count=1'

# An image `small` of a tree as a store has it, with links that would lead out of it.
store_tree() {
    export CORRAL_IMAGES=/tmp/images
    if [ -e $CORRAL_IMAGES ]; then return; fi
    tree=sha256-$(printf '%064d' 7)
    root=/tmp/images/trees/$tree/root
    mkdir -p "$root/usr/bin" "$root/etc" /tmp/images/names
    cp /usr/bin/busybox "$root/usr/bin/only-here"
    for name in sh cat; do ln -s only-here "$root/usr/bin/$name"; done
    ln -s usr/bin "$root/bin"
    ln -s / "$root/tmp"
    ln -s / "$root/dev"
    echo 'of the tree' >"$root/etc/marker"
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
}
# shellcheck disable=SC2016
in_tree='cat /etc/marker; (echo x >/etc/new) 2>/dev/null || echo refused; echo own >/tmp/own; cat /tmp/own'
in_tree_says="of the tree
refused
own"
