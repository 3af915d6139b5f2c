#!/bin/bash
# Runs corral on Debian 12's kernel 6.1 with cgroup v2, in an emulated machine: for hosts that have
# v1 or a newer kernel. Takes a minute, and 10 at the most.
#
# All that it fetches and makes is in .build/vm. Ends with `N passed, N failed`. Where the machine
# or its kernel cannot be had it says SKIPPED and why, and exits 0.
set -euo pipefail
cd "$(dirname "$0")/.."
vm=$PWD/.build/vm
release=6.1.0

skip() {
    echo "SKIPPED: make test-vm: $*"
    exit 0
}

# Runs a command with what is left of the 10 minutes.
bounded() { timeout --foreground --kill-after=5 $((SECONDS < 590 ? 600 - SECONDS : 10)) "$@"; }

# Package sources keep several builds of a kernel.
newest_kernel() {
    apt-cache pkgnames "linux-image-$release-" | grep -E -- '-[0-9]+-cloud-amd64$' | sort -V | tail -n 1
}

download() {
    local kernel
    kernel=$(newest_kernel)
    if [[ -z $kernel ]]; then return 1; fi
    echo "test-vm: fetching $kernel and busybox-static"
    # As who runs this: apt's own user may not write here.
    (cd "$vm/fetched" && bounded apt-get download -q -o APT::Sandbox::User=root "$kernel" busybox-static)
}

# Leaves kernel, loop.ko (the driver of loop devices) and busybox in .build/vm.
fetch() {
    if [[ -s $vm/kernel && -s $vm/loop.ko && -s $vm/busybox ]]; then return; fi
    command -v apt-get >/dev/null || skip "there is no apt-get to fetch a kernel with"
    rm -rf "$vm/fetched"
    mkdir -p "$vm/fetched/tree"
    if ! download; then
        if [[ $(id -u) -eq 0 ]]; then bounded apt-get update -q || true; fi
        download || skip "apt-get cannot download linux-image-$release-*-cloud-amd64 and busybox-static"
    fi
    local package
    for package in "$vm"/fetched/*.deb; do dpkg-deb -x "$package" "$vm/fetched/tree"; done
    cp "$vm"/fetched/tree/bin/busybox "$vm/busybox"
    find "$vm/fetched/tree" -name loop.ko -exec cp {} "$vm/loop.ko" \;
    cp "$vm"/fetched/tree/boot/vmlinuz-* "$vm/kernel"
    rm -rf "$vm/fetched"
}

# The machine's files: busybox in the form of a small Debian, corral as it is installed, the checks.
make_root() {
    local root=$1 name
    mkdir -p "$root"/{usr/bin,usr/lib,etc/ssl/certs,dev,proc,sys,tmp,root,run,var/cache,new,mnt}
    for name in bin sbin; do ln -s usr/bin "$root/$name"; done
    ln -s usr/lib "$root/lib"
    cp "$vm/busybox" "$root/usr/bin/busybox"
    for name in $("$vm/busybox" --list); do
        if [[ $name != busybox ]]; then ln -s busybox "$root/usr/bin/$name"; fi
    done
    printf '%s\n' "root:x:0:0::/root:/bin/sh" "plain:x:1000:1000::/tmp:/bin/sh" >"$root/etc/passwd"
    printf '%s\n' "root:x:0:" "plain:x:1000:" >"$root/etc/group"
    cp "$vm/loop.ko" "$root/root/loop.ko"
    install -m 755 scripts/vm-init.sh "$root/init"
    install -m 755 scripts/vm-checks.sh "$root/root/checks.sh"

    install -d "$root/opt/bin" "$root/opt/libexec/corral" "$root/opt/share/corral"
    # The debug build, whose corral can leave layers out: that shows what a layer is good for.
    strip -o "$root/opt/bin/corral" .build/debug/corral
    strip -o "$root/opt/libexec/corral/sandbox-init" .build/debug/sandbox-init
    cp -r profiles images "$root/opt/share/corral/"
    chmod -R go+rX "$root"
}

# Emulated even where the host could do better, so that it is the same machine everywhere.
boot() {
    rm -f "$vm/results" "$vm/console"
    # The first serial line is the console, the second carries results and nothing else.
    bounded qemu-system-x86_64 -accel tcg -cpu max -smp 2 -m 1024 -nodefaults -no-reboot -display none \
        -kernel "$vm/kernel" -initrd "$vm/initrd" -append "console=ttyS0 quiet panic=-1 oops=panic" \
        -serial "file:$vm/console" -serial "file:$vm/results" </dev/null
}

# Prints the results, and what is wrong with the machine itself.
report() {
    local status=$1 passed failed
    tr -d '\r' <"$vm/results" >"$vm/results.txt"
    passed=$(grep -c '^passed: ' "$vm/results.txt" || true)
    failed=$(grep -c '^FAILED: ' "$vm/results.txt" || true)
    grep -v '^done$' "$vm/results.txt" || true
    if [[ $(tail -n 1 "$vm/results.txt") != done ]]; then
        failed=$((failed + 1))
        echo "FAILED: the machine comes to the end of its checks (exit code of qemu: $status, 124 when its" \
            "time was up); its console ends with:"
        tail -n 20 "$vm/console" | tr -d '\r'
    fi
    echo "$passed passed, $failed failed"
    [[ $failed -eq 0 && $passed -gt 0 ]]
}

mkdir -p "$vm" .build/tmp
export TMPDIR=$PWD/.build/tmp
scripts/setup.sh build
if [[ $(uname -m) != x86_64 ]]; then skip "the machine is an x86-64 one, and corral is built for the host"; fi
bounded scripts/setup.sh vm || skip "there is no qemu-system-x86_64 (see above)"
fetch
bounded swift build --product sandbox-init </dev/null
bounded swift build --product corral </dev/null

rm -rf "$vm/root"
make_root "$vm/root"
(cd "$vm/root" && find . | "$vm/busybox" cpio -o -H newc -R 0:0 2>/dev/null) | gzip -1 >"$vm/initrd"
rm -rf "$vm/root"
status=0
boot || status=$?
report "$status"
