# What runs in the machine of `make test-vm` and comes from Debian: its kernel, busybox, Python and
# the programs that the tests start. Sourced by scripts/test-vm.sh.
#
# Fetched without being installed, once: all of it is in $vm/kernel, $vm/modules and $vm/base.
# shellcheck shell=bash
# shellcheck disable=SC2154 # Of scripts/test-vm.sh: vm, release.

# Libraries stand behind what needs them. That of C comes from the host, see scripts/vm/files.sh.
packages=(
    busybox-static
    python3.11-minimal libpython3.11-minimal libpython3.11-stdlib
    libexpat1 libffi8 libssl3 libuuid1 zlib1g
    bash libtinfo6
    coreutils dash libacl1 libattr1 libgmp10 libselinux1 libpcre2-8-0
    util-linux libcap-ng0 libsmartcols1 mount libmount1 libblkid1
    e2fsprogs libext2fs2 libcom-err2
    xfsprogs libinih1 liburcu8 btrfs-progs libudev1
)

# Of the part checks-systemd, in a tree of its own, $vm/systemd.
systemd_packages=(
    systemd libsystemd-shared libsystemd0
    libapparmor1 libaudit1 libcap2 libcrypt1 libgcrypt20 libgpg-error0 libip4tc2 libkmod2 liblz4-1 liblzma5
    libpam0g libseccomp2 libzstd1
)

# Of the kernel: init.sh loads the first two, checks-volumes.sh the others, in this order.
modules=(loop overlay quota_tree quota_v2 libcrc32c xfs zstd_compress xor raid6_pq btrfs)

# Not used by any test, and much of it.
unneeded=(
    usr/share etc var usr/lib/systemd usr/lib/udev usr/bin/su usr/lib/python3.11/{test,pydoc_data,ensurepip}
)

# Package sources keep several builds of a kernel.
newest_kernel() {
    apt-cache pkgnames "linux-image-$release-" | grep -E -- '-[0-9]+-cloud-amd64$' | sort -V | tail -n 1
}

download() {
    local kernel
    kernel=$(newest_kernel)
    if [[ -z $kernel ]]; then return 1; fi
    echo "test-vm: fetching $kernel and $((${#packages[@]} + ${#systemd_packages[@]})) packages of what runs on it"
    # As who runs this: apt's own user may not write here.
    (cd "$vm/fetched" && bounded apt-get download -q -o APT::Sandbox::User=root "$kernel" "${packages[@]}" \
        "${systemd_packages[@]}")
}

# What another version of this file has fetched is fetched anew.
wanted() { cksum <"${BASH_SOURCE[0]}"; }

fetch() {
    if [[ -s $vm/fetched-by && $(<"$vm/fetched-by") == "$(wanted)" ]]; then return; fi
    command -v apt-get >/dev/null || skip "there is no apt-get to fetch a kernel with"
    rm -rf "$vm/fetched-by" "$vm/fetched" "$vm/base" "$vm/systemd" "$vm/modules"
    mkdir -p "$vm/fetched" "$vm/modules" "$vm"/{base,systemd}/usr/{bin,sbin,lib,lib64}
    if ! download; then
        if [[ $(id -u) -eq 0 ]]; then bounded apt-get update -q || true; fi
        download || skip "apt-get cannot download linux-image-$release-*-cloud-amd64 and ${packages[*]}"
    fi
    local package name tree
    # As Debian installs itself today: whether a package says /bin or /usr/bin, it is one directory.
    for tree in base systemd; do
        for name in bin sbin lib lib64; do ln -s "usr/$name" "$vm/$tree/$name"; done
    done
    for package in "$vm"/fetched/*.deb; do
        name=${package##*/}
        tree=base
        if [[ " ${systemd_packages[*]} " == *" ${name%%_*} "* ]]; then tree=systemd; fi
        dpkg-deb --fsys-tarfile "$package" | tar -x -C "$vm/$tree" --no-same-owner --keep-directory-symlink
    done
    rm -rf "${vm:?}/systemd"/{etc,var,usr/share,usr/lib/udev,usr/lib/systemd/{catalog,system-generators}}
    mv "$vm"/base/boot/vmlinuz-* "$vm/kernel"
    for name in "${modules[@]}"; do
        find "$vm/base/usr/lib/modules" -name "$name.ko" -exec cp {} "$vm/modules/" \;
    done
    for name in boot usr/lib/modules "${unneeded[@]}"; do rm -rf "${vm:?}/base/$name"; done
    ln -s python3.11 "$vm/base/usr/bin/python3"
    compile_python
    rm -rf "$vm/fetched"
    wanted >"$vm/fetched-by"
}

# An emulated machine takes long to compile what Python imports. A tree that was not compiled works as
# well: this one is of the host's architecture, but the host's C library may be too old for it.
compile_python() {
    LD_LIBRARY_PATH=$vm/base/usr/lib/x86_64-linux-gnu PYTHONHOME=$vm/base/usr \
        "$vm/base/usr/bin/python3.11" -m compileall -q -d /usr/lib/python3.11 \
        --invalidation-mode unchecked-hash "$vm/base/usr/lib/python3.11" >/dev/null 2>&1 ||
        echo "test-vm: Python's modules are not compiled ahead"
}
