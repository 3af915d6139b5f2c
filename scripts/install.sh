#!/bin/sh
# Installs the release build: install.sh DIRECTORY (usually $DESTDIR$PREFIX). CORRAL_BUILD names another
# build's directory; DESTDIR is what of DIRECTORY will not be there when the programs run.
set -eu
cd "$(dirname "$0")/.."
build=${CORRAL_BUILD:-.build/release}
. scripts/files.sh
case $1 in /*) prefix=$1 ;; *) echo "install: PREFIX must be an absolute path, not $1" >&2; exit 1 ;; esac

for program in corral sandbox-init corral-unpack corral-warden corrald; do
    if [ ! -x "$build/$program" ]; then
        echo "install: $build/$program is not there; run \`make build\` first" >&2
        exit 1
    fi
    mkdir -p "$build/stripped"
    strip -o "$build/stripped/$program" "$build/$program"
done
# Copied after stripping: a file as the linker or strip wrote it starts up to 0.2 ms slower, because
# its pages were cached one by one.
installed_files | while read -r mode source destination; do
    install -D -m "$mode" "$source" "$prefix/$destination"
done
install_systemd_files "$prefix" "${prefix#"${DESTDIR:-}"}"
export CORRAL_DATA="$prefix/share/corral"
"$prefix/bin/corral" precompile
mkdir -p "$prefix/share/man/man1"
"$prefix/bin/corral" man --directory "$prefix/share/man/man1"
completion_files | while read -r shell destination; do
    mkdir -p "$prefix/${destination%/*}"
    "$prefix/bin/corral" completion "$shell" >"$prefix/$destination"
    chmod 644 "$prefix/$destination"
done
