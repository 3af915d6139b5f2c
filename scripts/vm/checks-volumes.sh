#!/bin/sh
# Volumes under the quotas of Debian's kernel, which the hosts that corral is made on need not have: projects
# on ext4 and xfs, and quota groups on btrfs.
# shellcheck source=scripts/vm/lib.sh
. /opt/vm/lib.sh
# shellcheck source=scripts/vm/run-suites.sh
. /opt/vm/run-suites.sh

for name in quota_tree quota_v2 libcrc32c xfs zstd_compress xor raid6_pq btrfs; do
    check "the kernel takes its module $name" insmod "/opt/vm/$name.ko"
done
# Where this is set, neither ext4 nor xfs may be missing.
export CORRAL_TEST_PROJECTS=all
order=
skip=
run_suites 'VolumesTests\.Project' 'VolumesTests\.RandomLifeTests/.*of.projects'
# Once more with the power that goes at once, before what the journal has is written.
export CORRAL_TEST_ALL=1
run_suites 'VolumesTests\.ProjectPowerCutTests'
unset CORRAL_TEST_ALL
# Of btrfs a little: this kernel has full quotas alone, which the suites show on the host as well; but it gives up
# counting at each copy, and later ones do not.
run_suites 'VolumesTests\.SnapshotTests/.*limits.of.all.volumes'
if [ "$(cat /opt/vm/all)" = 1 ]; then
    run_suites 'VolumesTests\.LimitTests/.*writer.stops' 'VolumesTests\.RemovalTests/.*grows.and.shrinks'
else
    run_suites 'VolumesTests\.RemovalTests/.*grows.and.shrinks'
fi
# As docs/workspaces.md says to do it to one that has none.
truncate -s 64M /tmp/old
mkfs.ext4 -q /tmp/old && tune2fs -O project,quota -Q prjquota /tmp/old >/dev/null && mount -o loop,prjquota /tmp/old /mnt
check "an older ext4 can be given project quotas" grep -q '/mnt ext4 .*prjquota' /proc/mounts
umount /mnt
rm -f /tmp/old

# --- what the warden has copied, for a daemon whose state is on such a file system
own='--state /mnt/corral --set user=nobody'
# shellcheck disable=SC2086 # One word each.
workspace() {
    verb=$1
    shift
    $corral workspace "$verb" $own "$@" >/tmp/out 2>$report
    code=$?
}
# A file of this machine as a file of a workspace, and that file again.
# shellcheck disable=SC2086
put() {
    $corral cp -q $own "$2" "workspace:$1" >/tmp/out 2>$report
    code=$?
}
# shellcheck disable=SC2086
holds() {
    rm -f /tmp/got
    $corral cp -q $own "workspace:$1" /tmp/got >/tmp/out 2>$report
    code=$?
    cmp "$2" /tmp/got >>$report 2>&1
}
# An archive of a workspace or a snapshot has the file $2 with the content of $3.
# shellcheck disable=SC2086
exports() {
    $corral workspace export $own "$1" >/tmp/archive 2>$report
    code=$?
    rm -rf /tmp/unpacked
    mkdir /tmp/unpacked
    busybox tar -xf /tmp/archive -C /tmp/unpacked >>$report 2>&1
    cmp "$(find /tmp/unpacked -name "$2")" "$3" >>$report 2>&1
}
# What is done, and that it says it was.
does() {
    what=$1
    shift
    workspace "$@"
    check "$kind: $what" is $code 0
}
copies() {
    kind=$1
    shift
    truncate -s 400M /tmp/state
    "mkfs.$kind" -q "$@" /tmp/state && mount -o loop,prjquota /tmp/state /mnt
    # shellcheck disable=SC2086
    daemon run --detach $own
    check "$kind: a daemon starts with its state on it" is $code 0
    echo one >/tmp/one
    echo two >/tmp/two
    head -c 3000000 /dev/urandom >/tmp/large
    head -c 40000000 /dev/zero >/tmp/huge
    does "a workspace is made" create --disk 32MiB data
    put data:f /tmp/one
    put data:large /tmp/large
    does "a snapshot is a copy" snapshot data@first
    put data:f /tmp/two
    does "a fork of it is one" fork data copy
    does "a fork of a snapshot, too" fork data@first old
    check "$kind: a file of a snapshot is read from outside" holds data@first:f /tmp/one
    check "$kind: and a large one" holds data@first:large /tmp/large
    check "$kind: and once more, by another mount" holds data@first:f /tmp/one
    put data@first:f /tmp/two
    check "$kind: nobody writes to a snapshot" is "$([ $code = 0 ] || echo refused)" refused
    check "$kind: and it is what it was" holds data@first:f /tmp/one
    check "$kind: an archive of a snapshot has what it has" exports data@first f /tmp/one
    check "$kind: and one of the workspace what that has" exports data f /tmp/two
    workspace diff data first
    check "$kind: the difference is told" said_out 'C f (content)'
    check "$kind: and no other" is "$(grep -c . /tmp/out)" 1
    check "$kind: the fork has what there is" holds copy:f /tmp/two
    check "$kind: the fork of the snapshot what the snapshot has" holds old:f /tmp/one
    check "$kind: and the large file" holds old:large /tmp/large
    does "the snapshot is put back" restore data@first
    check "$kind: and is what there is" holds data:f /tmp/one
    put copy:huge /tmp/huge
    check "$kind: a copy has its limit" is "$([ $code = 0 ] || echo refused)" refused
    check "$kind: and what it had" holds copy:f /tmp/two
    does "forks and the snapshot go" rm copy old data@first
    does "and the workspace" rm data
    # shellcheck disable=SC2086
    daemon stop --sessions $own
    check "$kind: the daemon is ended" is $code 0
    check "$kind: nobody has the file system any more" soon umount /mnt
    rm -f /tmp/state /tmp/huge /tmp/archive
}
copies ext4 -O project,quota -E quotatype=prjquota
copies xfs

no_loop_device() { ! cat /sys/block/loop*/loop/backing_file 2>/dev/null; }
check "no loop device is left" soon no_loop_device
