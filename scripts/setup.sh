#!/bin/sh
# Makes sure that what Corral needs is there: setup.sh SECTION... (sections of packages.txt).
# Installs missing packages as root; otherwise says what is missing and how to get it.
set -eu
cd "$(dirname "$0")/.."

# Prints the packages of a section that are neither installed nor replaced by a file.
missing_in() {
    awk -v section="[$1]" '/^\[/ { on = ($1 == section); next } on && NF && !/^#/' packages.txt |
        while read -r package file; do
            if [ -n "$file" ] && [ -e "$file" ]; then continue; fi
            state=$(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null || true)
            case $state in ?i*) ;; *) echo "$package" ;; esac
        done
}

check_swift() {
    if ! command -v swift >/dev/null; then
        echo "setup: there is no swift in PATH; Corral is built with the toolchain of Swift 6.3" \
            "or newer (https://www.swift.org/install/linux/debian/12/)" >&2
        exit 1
    fi
    # Leaves an empty directory in TMPDIR; that of the build may not be there yet.
    temporary=$(TMPDIR=/tmp mktemp -d)
    said=$(TMPDIR=$temporary swift --version 2>&1 || true)
    rm -rf "$temporary"
    version=$(echo "$said" | sed -n 's/.*Swift version \([0-9]*\)\.\([0-9]*\).*/\1 \2/p')
    if [ -z "$version" ]; then
        echo "setup: swift --version ($(command -v swift)) names no version, but says: $said" >&2
        exit 1
    fi
    # shellcheck disable=SC2086 # Two words on purpose.
    set -- $version
    if [ "$1" -lt 6 ] || { [ "$1" -eq 6 ] && [ "$2" -lt 3 ]; }; then
        echo "setup: the swift in PATH ($(command -v swift)) is version $1.$2; 6.3 or newer is needed" >&2
        exit 1
    fi
}

check_packages() {
    if ! command -v dpkg-query >/dev/null; then
        echo "setup: this is not Debian, so nothing was checked; packages.txt lists what is needed" >&2
        return
    fi
    missing=$(for section in "$@"; do missing_in "$section"; done | xargs)
    if [ -z "$missing" ]; then return; fi
    if [ "$(id -u)" -ne 0 ]; then
        echo "setup: these Debian packages are missing: $missing" >&2
        echo "setup: install them with: sudo apt-get install --no-install-recommends $missing" >&2
        exit 1
    fi
    echo "setup: installing $missing"
    apt-get update -q </dev/null
    # shellcheck disable=SC2086 # One word for each package.
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing </dev/null
}

check_swift
check_packages "$@"
