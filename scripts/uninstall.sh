#!/bin/sh
# Removes what install.sh put into a directory, and nothing else: uninstall.sh DIRECTORY.
set -eu
cd "$(dirname "$0")/.."
. scripts/files.sh
prefix=$1

installed_files | while read -r _ _ destination; do
    rm -f "$prefix/$destination"
done
precompiled_files "$prefix" | while read -r destination; do
    rm -f "$prefix/$destination"
done
completion_files | while read -r _ destination; do
    rm -f "$prefix/$destination"
done
manual_pages "$prefix" | while read -r destination; do
    rm -f "$prefix/$destination"
done
installed_directories | while read -r directory; do
    # Somebody's own files stay, and so does the directory that they are in.
    rmdir "$prefix/$directory" 2>/dev/null || true
done
