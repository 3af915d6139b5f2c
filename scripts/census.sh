#!/bin/sh
# Counts what Corral could leave behind on this host.
#
#   census.sh                 prints the counts
#   census.sh before FILE     writes what there is to FILE
#   census.sh compare FILE    exits 1 and prints the difference when there is more than in FILE
set -eu

# Without the two ids at the front, which mean nothing later.
mounts() { awk '/corral/ { $1 = "mount"; $2 = $5; print }' /proc/self/mountinfo; }

# Groups of sandboxes, at any depth: an ordinary user's are below a delegated directory.
cgroups() {
    awk '$0 ~ / - cgroup/ { print $5 }' /proc/self/mountinfo | while read -r hierarchy; do
        find "$hierarchy" -type d \( -name 'corral-run-*' -o -name 'corral-session-*' -o -name 'corral-tenant-*' \) \
            -printf 'cgroup %p\n' 2>/dev/null || true
    done
}

processes() {
    ps -e -o comm=,pid= | awk '$1 == "sandbox-init" || $1 == "corral" || $1 == "corral-unpack" || $1 == "corral-warden" || $1 == "corrald" { print "process", $1, $2 }'
}

loop_devices() {
    for backing in /sys/block/loop*/loop/backing_file; do
        if [ -e "$backing" ]; then echo "loop device ${backing%/loop/*}"; fi
    done
}

# An empty file is a lock, which costs nothing to keep; the slots are one of fixed size, kept as well.
runtime_files() {
    if [ -d /run/corral ]; then find /run/corral -type f -size +0 ! -name slots -printf 'file %p\n'; fi
    if [ -d /run/corral ]; then find /run/corral -mindepth 1 ! -type f ! -type d -printf 'file %p\n'; fi
}

# A namespace's number may be used again: what counts is how many there are of each kind.
namespaces() { lsns --noheadings --output TYPE | sort | uniq -c | awk '{ print "namespaces", $2, $1 }'; }

things() { { mounts; cgroups; processes; loop_devices; runtime_files; } | LC_ALL=C sort; }

# What is there now and was not in the file.
difference() {
    things >"$1.now"
    LC_ALL=C comm -13 "$1" "$1.now"
    namespaces | while read -r _ kind count; do
        was=$(awk -v kind="$kind" '$2 == kind { print $3 }' "$1.namespaces")
        if [ "$count" -gt "${was:-0}" ]; then echo "namespaces $kind: ${was:-0} before, $count now"; fi
    done
    rm -f "$1.now"
}

count() { printf '  %-28s %s\n' "$1" "$(things | grep -c "^$2 " || true)"; }

case ${1:-counts} in
counts)
    count "mounts" mount
    count "cgroups" cgroup
    count "processes" process
    count "loop devices" "loop device"
    count "files in /run/corral" file
    namespaces | while read -r _ kind number; do printf '  %-28s %s\n' "namespaces ($kind)" "$number"; done
    ;;
before)
    things >"$2"
    namespaces >"$2.namespaces"
    ;;
compare)
    # The kernel takes namespaces and mounts down in its own time.
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        left=$(difference "$2")
        if [ -z "$left" ]; then exit 0; fi
        sleep 0.5
    done
    echo "$left"
    exit 1
    ;;
*)
    echo "usage: census.sh [before FILE | compare FILE]" >&2
    exit 2
    ;;
esac
