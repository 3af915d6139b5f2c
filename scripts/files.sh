# shellcheck shell=sh
# What an installation consists of; sourced by install.sh and uninstall.sh, so that one removes
# exactly what the other put there. Run from the root of the source tree.

# Prints MODE SOURCE DESTINATION for each file, the destination relative to the prefix.
installed_files() {
    echo "755 .build/stripped/corral bin/corral"
    echo "755 .build/stripped/sandbox-init libexec/corral/sandbox-init"
    echo "755 .build/stripped/corral-unpack libexec/corral/corral-unpack"
    for file in profiles/*.yaml profiles/seccomp/*.json images/*.yaml; do
        if [ -e "$file" ]; then echo "644 $file share/corral/$file"; fi
    done
    for file in README.md LICENSE docs/*.md; do
        echo "644 $file share/doc/corral/${file##*/}"
    done
}

# What `corral precompile` makes of the installed files, relative to the prefix.
precompiled_files() {
    for file in profiles/*.yaml; do echo "share/corral/${file%.yaml}.rules"; done
    for file in profiles/seccomp/*.json; do echo "share/corral/${file%.json}.bpf"; done
}

# Directories that are Corral's alone, innermost first.
installed_directories() {
    printf '%s\n' libexec/corral share/corral/profiles/seccomp share/corral/profiles \
        share/corral/images share/corral share/doc/corral
}
