#!/bin/sh
# The init of the virtual machine of `make test-vm`; never run on a host. Mounts what every Linux
# has, enables nothing, runs the checks and switches the machine off.

export PATH=/usr/bin

if [ "$1" != second ]; then
    mount -t proc proc /proc
    mount -t sysfs sysfs /sys
    mount -t devtmpfs devtmpfs /dev
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
    cat /sys/fs/cgroup/cgroup.subtree_control >/early.controllers
    # Once here, where the root is the kernel's first file system, which nothing can pivot away from.
    /opt/bin/corral run -- echo hello >/early.out 2>/early.err
    echo "$?" >/early.code
    mount -t tmpfs -o mode=755 root /new
    for entry in /*; do
        case $entry in /proc | /sys | /dev | /new) ;; *) cp -a "$entry" /new/ ;; esac
    done
    for name in proc sys dev; do
        mkdir "/new/$name"
        mount --move "/$name" "/new/$name"
    done
    exec switch_root /new /init second
fi

insmod /root/loop.ko
/root/checks.sh >/dev/ttyS1 2>&1 </dev/null
poweroff -f
