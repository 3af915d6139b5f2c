#!/bin/sh
# Workspaces, mounts and stored trees.
# shellcheck source=scripts/vm/lib.sh
. /opt/vm/lib.sh

# --- a directory of the host as workspace
mkdir -p /tmp/work
mount -t tmpfs work /tmp/work
run --workspace /tmp/work -- true
check "a workspace on tmpfs is refused: idmapped mounts came to it later" refused 'tmpfs from Linux 6.3'
dd if=/dev/zero of=/tmp/disk bs=1M count=16 2>/dev/null
mke2fs -F /tmp/disk >/dev/null
mount -t ext4 -o loop /tmp/disk /mnt
mkdir /mnt/work
chown 1000:1000 /mnt/work
# shellcheck disable=SC2016
run --workspace /mnt/work -- sh -c 'echo hello >file; id -u'
check "a workspace on ext4 can be written to" printed 1000
check "what is written there belongs to the directory's owner" is "$(stat -c '%u %s' /mnt/work/file)" "1000 6"

# --- mounts that the caller adds
mkdir -m 755 /mnt/data
echo text >/mnt/data/file
chown -R 1234:1234 /mnt/data
# shellcheck disable=SC2016 # Expanded inside.
run -v /mnt/data:/srv/data -v /mnt/data:/srv/ro:ro -v /mnt/data/file:/etc/app.conf:ro \
    --tmpfs /scratch:size=64k -- sh -c 'cat /etc/app.conf; echo new >/srv/data/new
    for f in /srv/ro/x /etc/app.conf; do (echo x >$f) 2>/dev/null || echo refused; done
    dd if=/dev/zero of=/scratch/x bs=128k count=1 2>/dev/null || stat -c %s /scratch/x'
check "directories, files and a memory file system are mounted" printed "text
refused
refused
65536"
check "what is written there belongs to the directory's owner as well" \
    is "$(stat -c '%u %s' /mnt/data/new)" "1234 4"
run -v /tmp/work:/srv/data -- true
check "a source on tmpfs is refused" refused 'tmpfs from Linux 6.3'
umount /tmp/work
mkdir /mnt/place
mount --bind /etc /mnt/place
run -v /mnt/place:/srv/data -- true
check "a bind mount of /etc is refused" refused 'it is /etc, by another mount'
umount /mnt/place
check "a run with mounts leaves nothing" soon is_clean
umount /mnt

# --- a stored tree as root: here the launcher attaches it in a mount namespace of its own
store_tree
run --image small -- sh -c "$in_tree"
check "a stored tree is the root, read-only, with the sandbox's own directories" printed "$in_tree_says"
check "what its links point at is not written to" test ! -e /own
run --image small -- cat /proc/self/mountinfo
check "its directories are mounts of their own" grep -q "$tree/root/usr /usr ro,nosuid,nodev" /tmp/out
check "a run with a tree leaves nothing" soon is_clean
