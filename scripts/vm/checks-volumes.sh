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
no_loop_device() { ! cat /sys/block/loop*/loop/backing_file 2>/dev/null; }
check "no loop device is left" soon no_loop_device
