#!/bin/sh
# The init of the virtual machine of `make test-vm`; never run on a host. Mounts what every Linux
# has, enables nothing, runs the checks and switches the machine off.

export PATH=/usr/sbin:/usr/bin

if [ "$1" != second ]; then
    mount -t proc proc /proc
    mount -t sysfs sysfs /sys
    mount -t devtmpfs devtmpfs /dev
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
    mount -t tmpfs -o mode=755 run /run
    cat /sys/fs/cgroup/cgroup.subtree_control >/early.controllers
    # Once here, where the root is the kernel's first file system, which nothing can pivot away from.
    /opt/bin/corral run -- echo hello >/early.out 2>/early.err
    echo "$?" >/early.code
    # Another file system than tmpfs: what tests write is to be on one that has idmapped mounts here.
    echo starting >/dev/ttyS2
    cut -d ' ' -f 1 /proc/uptime >/early.uptime
    busybox mke2fs -F -I 256 /dev/nvme0n1 >/dev/null
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
echo "the machine is up after $(cut -d ' ' -f 1 /proc/uptime) s, its kernel after $(cat /early.uptime) s"
while read -r part; do
    began=$(date +%s)
    echo "--- $part"
    sh "/opt/vm/$part.sh" </dev/null
    echo "--- $part: $(($(date +%s) - began)) s"
done </opt/vm/parts
echo "done"
poweroff -f
