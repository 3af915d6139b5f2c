#!/bin/sh
# The init of the virtual machine of `make test-vm`; never run on a host. Mounts what every Linux
# has, enables nothing, runs the checks and switches the machine off. Started again on the disk of a
# machine that was cut off (`corral_boot=again` on the kernel's command line) it runs what is left.

export PATH=/usr/sbin:/usr/bin

if [ "$1" != second ]; then
    mount -t proc proc /proc
    mount -t sysfs sysfs /sys
    mount -t devtmpfs devtmpfs /dev
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
    mount -t tmpfs -o mode=755 run /run
    if [ "$corral_boot" = again ]; then
        mount -t ext4 /dev/nvme0n1 /new
        for name in proc sys dev run; do mount --move "/$name" "/new/$name"; done
        exec busybox switch_root /new /init second
    fi
    cat /sys/fs/cgroup/cgroup.subtree_control >/early.controllers
    # Once here, where the root is the kernel's first file system, which nothing can pivot away from.
    /opt/bin/corral run -- echo hello >/early.out 2>/early.err
    echo "$?" >/early.code
    # Another file system than tmpfs: what tests write is to be on one that has idmapped mounts here.
    echo starting >/dev/ttyS2
    cut -d ' ' -f 1 /proc/uptime >/early.uptime
    # With a journal, which busybox's mke2fs would not make: the disk is there after a loss of power.
    mke2fs -F -q -t ext4 /dev/nvme0n1 >/dev/null
    mount -t ext4 /dev/nvme0n1 /new
    for entry in /*; do
        case $entry in /proc | /sys | /dev | /run | /new) ;; *) cp -a "$entry" /new/ ;; esac
    done
    for name in proc sys dev run; do
        mkdir "/new/$name"
        mount --move "/$name" "/new/$name"
    done
    exec busybox switch_root /new /init second
fi

# As any Debian has them.
mount --make-rshared /
mkdir /dev/pts /dev/shm
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs -o mode=1777 shm /dev/shm
for name in loop overlay; do insmod "/opt/vm/$name.ko"; done
busybox ip link set lo up
while :; do
    echo "alive $(cat /proc/uptime) $(cat /proc/loadavg)"
    sleep 5
done >/dev/ttyS2 &
exec >/dev/ttyS1 2>&1 </dev/null
part() {
    began=$(date +%s)
    echo "--- $1"
    sh "/opt/vm/$1.sh" </dev/null
    echo "--- $1: $(($(date +%s) - began)) s"
}
up=$(cut -d ' ' -f 1 /proc/uptime)
if [ "$corral_boot" = again ]; then
    echo "the machine is up again after $up s"
    part after-reboot
else
    echo "the machine is up after $up s, its kernel after $(cat /early.uptime) s"
    while read -r name; do
        if [ "$name" != checks-systemd ]; then part "$name"; fi
    done </opt/vm/parts
fi
if grep -q '^checks-systemd$' /opt/vm/parts; then
    # The last part, because this process is systemd from here on. It runs checks-systemd.sh, which ends the machine.
    echo "--- checks-systemd"
    exec /usr/lib/systemd/systemd --unit=checks.service >/dev/ttyS0 2>&1
fi
echo "done"
poweroff -f
