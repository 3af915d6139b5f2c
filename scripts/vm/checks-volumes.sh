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
run_suites 'VolumesTests\.Project'
# Once more with the power that goes at once, before what the journal has is written.
export CORRAL_TEST_ALL=1
run_suites 'VolumesTests\.ProjectPowerCutTests'
unset CORRAL_TEST_ALL
# Of btrfs a little: this kernel has full quotas alone, which the suites show on the host as well.
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
# Standard input as the file f of a workspace, and that file again.
# shellcheck disable=SC2086
put() {
    $corral cp -q $own - "workspace:$1:f" >/tmp/out 2>$report
    code=$?
}
# shellcheck disable=SC2086
holds() { [ "$($corral cp -q $own "workspace:$1:f" - 2>$report)" = "$2" ]; }
# What is done, and a word of its answer.
does() {
    what=$1
    shift
    workspace "$@"
    check "$kind: $what" is $code 0
}
# That files of a snapshot can be read from outside is not among it: below Linux 6.15 this driver's cannot be mounted
# for corrald (docs/workspaces.md).
copies() {
    kind=$1
    shift
    truncate -s 400M /tmp/state
    "mkfs.$kind" -q "$@" /tmp/state && mount -o loop,prjquota /tmp/state /mnt
    # shellcheck disable=SC2086
    daemon run --detach $own
    check "$kind: a daemon starts with its state on it" is $code 0
    does "a workspace is made" create --disk 32MiB data
    echo one | put data
    does "a snapshot is a copy" snapshot data@first
    echo two | put data
    does "a fork of it is one" fork data copy
    does "a fork of a snapshot, too" fork data@first old
    check "$kind: the fork what is there" holds copy two
    check "$kind: the fork of the snapshot what the snapshot has" holds old one
    does "the snapshot is put back" restore data@first
    check "$kind: and is what there is" holds data one
    # shellcheck disable=SC2086
    daemon stop --sessions $own
    check "$kind: the daemon is ended" is $code 0
    check "$kind: nobody has the file system any more" soon umount /mnt
    rm -f /tmp/state
}
copies ext4 -O project,quota -E quotatype=prjquota
copies xfs

no_loop_device() { ! cat /sys/block/loop*/loop/backing_file 2>/dev/null; }
check "no loop device is left" soon no_loop_device
