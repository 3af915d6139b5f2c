# Puts together what the machine of `make test-vm` starts with: Debian's programs, busybox for all
# else, corral as it is installed, the source tree's tests, the checks. Sourced by scripts/test-vm.sh.
# shellcheck shell=bash
# shellcheck disable=SC2154 # Of scripts/test-vm.sh: vm, parts.

libraries=usr/lib/x86_64-linux-gnu

make_root() {
    local root=$1 name
    mkdir -p "$root"/{etc/ssl/certs,dev,proc,sys,run,tmp,root,var/cache,new,mnt,opt/vm}
    chmod 1777 "$root/tmp"
    cp -a "$vm/base/." "$root/"
    # The authorities of this machine, where OpenSSL looks for them (its OPENSSLDIR).
    if [[ -e /etc/ssl/certs/ca-certificates.crt ]]; then
        cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
        mkdir -p "$root/usr/lib/ssl"
        ln -sfn /etc/ssl/certs "$root/usr/lib/ssl/certs"
        ln -sfn /etc/ssl/certs/ca-certificates.crt "$root/usr/lib/ssl/cert.pem"
    fi
    for name in $("$vm/base/usr/bin/busybox" --list); do
        if [[ ! -e $root/usr/bin/$name && ! -e $root/usr/sbin/$name ]]; then
            ln -s busybox "$root/usr/bin/$name"
        fi
    done
    ln -sf dash "$root/usr/bin/sh"
    # corral is whom corrald becomes (scripts/accounts.sh).
    printf '%s\n' root:x:0:0::/root:/bin/sh plain:x:1000:1000::/tmp:/bin/sh \
        corral:x:990:990::/nonexistent:/usr/sbin/nologin \
        nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin >"$root/etc/passwd"
    printf '%s\n' root:x:0: plain:x:1000: corral:x:990: nogroup:x:65534: >"$root/etc/group"

    cp scripts/vm/* "$vm"/modules/*.ko "$root/opt/vm/"
    # What to run, for init.sh and suites.sh.
    printf '%s\n' "${parts[@]}" >"$root/opt/vm/parts"
    printf '%s\n' "${CORRAL_TEST_ALL:-0}" >"$root/opt/vm/all"
    printf '%s' "${CORRAL_TEST_FILTER:-}" >"$root/opt/vm/filter"
    printf '%s' "$PWD" >"$root/opt/vm/tree"
    install -m 755 scripts/vm/init.sh "$root/init"
    install_corral "$root"
    if [[ " ${parts[*]} " == *" checks-systemd "* ]]; then install_systemd "$root"; fi
    install_tests "$root"
    chmod -R go+rX "$root"
}

# The debug build, whose corral can leave layers out: that shows what a layer is good for.
install_corral() {
    local root=$1 name
    install -d "$root/opt/bin" "$root/opt/sbin" "$root/opt/libexec/corral" "$root/opt/share/corral"
    strip -o "$root/opt/bin/corral" .build/debug/corral
    strip -o "$root/opt/sbin/corrald" .build/debug/corrald
    install_libraries "$root" .build/debug/corrald
    for name in sandbox-init corral-unpack corral-warden; do
        strip -o "$root/opt/libexec/corral/$name" ".build/debug/$name"
    done
    cp -r profiles images "$root/opt/share/corral/"
}

# What the machine ends with: init.sh becomes systemd, which starts checks-systemd.sh.
install_systemd() {
    local root=$1 name
    # What the base has of the same name stays: sbin/init is nobody's there.
    cp -a --no-clobber "$vm/systemd/." "$root/"
    # shellcheck source=scripts/files.sh
    . scripts/files.sh
    install_systemd_files "$root/opt" /opt
    # Where systemd looks; it knows nothing of /opt.
    for name in systemd/system systemd/user sysusers.d tmpfiles.d; do
        mkdir -p "$root/usr/local/lib/$name"
        cp "$root/opt/lib/$name"/* "$root/usr/local/lib/$name/"
    done
    # Without it this would be a first start, which asks questions at the console.
    echo 00000000000040008000000000000001 >"$root/etc/machine-id"
    mkdir -p "$root/etc/systemd/system"
    cp scripts/vm/checks.service "$root/etc/systemd/system/"
}

# The tests know the path of their source tree, so it has the same in the machine.
install_tests() {
    local root=$1 tree=$1$PWD name place
    mkdir -p "$tree/.build/machine/debug"
    # A link, as SwiftPM makes it: corral finds its profiles three directories above its own.
    ln -s machine/debug "$tree/.build/debug"
    cp -r Package.swift profiles images examples docs Tests scripts "$tree/"
    ln -s /opt/bin/corral /opt/sbin/corrald /opt/libexec/corral/{corral-unpack,corral-warden} "$tree/.build/debug/"
    # Tests that launch by themselves take no link for it.
    cp "$root/opt/libexec/corral/sandbox-init" "$tree/.build/debug/"
    # The attack table, for attacks.sh.
    for name in prove attacker; do
        if [[ -x .build/debug/$name ]]; then strip -o "$tree/.build/debug/$name" ".build/debug/$name"; fi
    done
    strip -o "$tree/.build/debug/tests" .build/debug/corralPackageTests.xctest
    install_libraries "$root" .build/debug/corralPackageTests.xctest
    # What tests of the daemon ask it with. The host's, like the libraries that it needs.
    if place=$(command -v curl); then
        install -m 755 "$place" "$root/usr/bin/curl"
        install_libraries "$root" "$place"
    fi
    # A script that tests copy programs with, and documents that they look at.
    cp "$(command -v ldd)" "$root/usr/bin/"
    mkdir -p "$root/usr/share/doc"
    cp README.md "$root/usr/share/doc/"
    # The rest of the C library, of the same build.
    place=$(dirname "$(ldd .build/debug/corralPackageTests.xctest | sed -n 's/.*libc\.so\.6 => \([^ ]*\) .*/\1/p')")
    for name in dl pthread resolv rt util nss_files; do
        cp -L "$place/lib$name.so."[0-9] "$root/$libraries/" 2>/dev/null || true
    done
}

# What the linker of this host finds for a program: the toolchain's libraries, and the host's.
install_libraries() {
    local root=$1 library place
    while read -r library place; do
        case $library in
        */ld-linux-x86-64.so.2) install -m 755 "$library" "$root/usr/lib64/ld-linux-x86-64.so.2" ;;
        *) strip --strip-unneeded -o "$root/$libraries/$library" "$place" ;;
        esac
    done < <(ldd "$2" | sed -n 's/^\t\([^ ]*\) => \([^ ]*\) .*/\1 \2/p
        s/^\t\(\/[^ ]*\) .*/\1 -/p')
}

# Files belong to root, whoever makes this.
make_initrd() {
    rm -rf "$vm/root"
    make_root "$vm/root"
    (cd "$vm/root" && find . | "$vm/base/usr/bin/busybox" cpio -o -H newc -R 0:0 2>/dev/null) >"$vm/initrd"
    rm -rf "$vm/root"
}
