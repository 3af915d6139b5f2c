#!/bin/sh
# Removes what install.sh put into a directory, and nothing else: uninstall.sh DIRECTORY.
#
# Refuses while sessions run, and ends daemons of this installation that have none. DESTDIR is the root that
# state lies in; what is mounted there is unmounted. PURGE=1 removes the state as well.
set -eu
cd "$(dirname "$0")/.."
. scripts/files.sh
prefix=$1
root=${DESTDIR:-}

# The processes whose program is $1, installed since or not.
processes_of() {
    for link in /proc/[0-9]*/exe; do
        file=$(readlink "$link" 2>/dev/null) || continue
        if [ "${file% (deleted)}" = "$1" ]; then
            pid=${link#/proc/}
            echo "${pid%/exe}"
        fi
    done
}

# Every sandbox of a warden is a child of it.
sessions_of() { wc -w <"/proc/$1/task/$1/children" 2>/dev/null || echo 0; }

refuse_while_sessions_run() {
    for pid in $(processes_of "$warden"); do
        count=$(sessions_of "$pid")
        if [ "$count" -gt 0 ]; then
            echo "uninstall: $count sessions run (corral-warden, pid $pid);" \
                "\`corral daemon stop --sessions\` ends them, with --state DIR where they are another daemon's" >&2
            exit 1
        fi
    done
}

# Who would start them again.
stop_services() {
    if [ -n "$root" ] || [ ! -d /run/systemd/system ] || ! command -v systemctl >/dev/null; then return; fi
    for unit in corral.socket corral.service corral-warden.service; do
        if [ "$(systemctl show --property FragmentPath --value "$unit")" = "$prefix/lib/systemd/system/$unit" ]; then
            systemctl disable --now "$unit" || true
        fi
    done
}

# corrald first: it would start another warden.
end_daemons() {
    for program in "$prefix/sbin/corrald" "$warden"; do
        for pid in $(processes_of "$program"); do
            echo "uninstall: ending ${program##*/} (pid $pid), which has no sessions"
            kill "$pid" 2>/dev/null || true
            for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
                if [ ! -e "/proc/$pid/exe" ] || ! readlink "/proc/$pid/exe" >/dev/null 2>&1; then break; fi
                sleep 0.5
            done
            if readlink "/proc/$pid/exe" >/dev/null 2>&1; then
                echo "uninstall: ${program##*/} (pid $pid) does not end; nothing was removed" >&2
                exit 1
            fi
        done
    done
}

# What a setting is, as the daemon of this installation would read it; below DESTDIR as it is built in.
setting() {
    value=
    if [ -z "$root" ] && [ -x "$prefix/bin/corral" ]; then
        value=$("$prefix/bin/corral" config show 2>/dev/null | sed -n "s/^$1: *//p")
    fi
    echo "$root${value:-$2}"
}

# Loop devices of volumes of the host (corral volume create), which are mounted anywhere.
volume_devices() {
    # By the file itself: its name, as the kernel shows it, is none any more once the warden that opened it has ended.
    for file in "$state"/warden/host-volumes/*/volume.btrfs; do
        if [ -e "$file" ]; then losetup --noheadings --output NAME --associated "$file"; fi
    done
}

# The innermost first.
unmount_all() {
    devices=$(volume_devices | tr '\n' ' ')
    # The source is the second field behind the dash, which comes behind any number of optional ones (proc(5)).
    awk -v state="$state/" -v runtime="$runtime/" -v devices=" $devices" '
        { for (i = 7; $i != "-" && i < NF; i++); source = $(i + 2) }
        index($5 "/", state) == 1 || index($5 "/", runtime) == 1 || index(devices, " " source " ") {
            print $5
        }' /proc/self/mountinfo |
        sort -r | while read -r place; do
        echo "uninstall: unmounting $place"
        umount "$(printf '%b' "$place")"
    done
}

case $prefix in /*) ;; *) echo "uninstall: PREFIX must be an absolute path, not $prefix" >&2; exit 1 ;; esac
# As the kernel names it.
physical=$(cd "$prefix" 2>/dev/null && pwd -P || echo "$prefix")
warden=$physical/libexec/corral/corral-warden
state=$(setting state /var/lib/corral)
runtime=$(setting runtime /run/corral)
refuse_while_sessions_run
prefix=$physical
stop_services
end_daemons
unmount_all

installed_files | while read -r _ _ destination; do
    rm -f "$prefix/$destination"
done
systemd_files | while read -r _ destination; do
    rm -f "$prefix/$destination"
done
precompiled_files "$prefix" | while read -r destination; do
    rm -f "$prefix/$destination"
done
completion_files | while read -r _ destination; do
    rm -f "$prefix/$destination"
done
manual_pages "$prefix" | while read -r destination; do
    rm -f "$prefix/$destination"
done
installed_directories | while read -r directory; do
    # Somebody's own files stay, and so does the directory that they are in.
    rmdir "$prefix/$directory" 2>/dev/null || true
done

# A setting may name any directory, one with other things in it as well: only what Corral makes is removed.
purge() {
    directory=$1
    shift
    for name in "$@"; do rm -rf --one-file-system "${directory:?}/$name"; done
    if [ ! -d "$directory" ] || rmdir "$directory" 2>/dev/null; then
        echo "uninstall: removed $directory"
    else
        echo "uninstall: $directory stays: what else is in it is not Corral's"
    fi
}

if [ "${PURGE:-}" = 1 ]; then
    purge "$runtime" corral.sock warden.sock slots
    purge "$state" daemon warden images run
elif [ -e "$state" ]; then
    echo "uninstall: $state stays; PURGE=1 removes it"
fi
