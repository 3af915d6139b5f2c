# shellcheck shell=sh
# What an installation consists of; sourced by install.sh and uninstall.sh, so that one removes
# exactly what the other put there. Run from the root of the source tree.

# Where the programs are taken from; of no meaning for what is removed.
build=${build:-.build/release}

# Prints MODE SOURCE DESTINATION for each file, the destination relative to the prefix.
installed_files() {
    echo "755 $build/stripped/corral bin/corral"
    echo "755 $build/stripped/sandbox-init libexec/corral/sandbox-init"
    echo "755 $build/stripped/corral-unpack libexec/corral/corral-unpack"
    echo "755 $build/stripped/corral-warden libexec/corral/corral-warden"
    echo "755 $build/stripped/corrald sbin/corrald"
    for file in profiles/*.yaml profiles/*.json profiles/seccomp/*.json profiles/plans/*.yaml profiles/plans/*.json \
        images/*.yaml; do
        if [ -e "$file" ]; then echo "644 $file share/corral/$file"; fi
    done
    for file in docs/monitoring/*; do echo "644 $file share/corral/${file##*/}"; done
    for file in README.md LICENSE docs/*.md docs/*.json; do
        echo "644 $file share/doc/corral/${file##*/}"
    done
}

# Prints SOURCE DESTINATION for each file of systemd's. The sources have @PREFIX@ where the programs are.
systemd_files() {
    for kind in system user; do
        for file in scripts/systemd/$kind/*; do echo "$file lib/systemd/$kind/${file##*/}"; done
    done
    echo "scripts/systemd/sysusers.conf lib/sysusers.d/corral.conf"
    echo "scripts/systemd/tmpfiles.conf lib/tmpfiles.d/corral.conf"
}

# Installs them in $1, for programs that will be in $2.
install_systemd_files() {
    systemd_files | while read -r source destination; do
        mkdir -p "$1/${destination%/*}"
        sed "s|@PREFIX@|$2|g" "$source" >"$1/$destination"
        chmod 644 "$1/$destination"
    done
}

# What `corral precompile` made of the files installed in $1, relative to it: the rules of each profile,
# and the filters of the policies that they need, whose names are those of shipped parts.
precompiled_files() {
    for file in profiles/*.yaml; do
        for variant in "" +relay +directory +relay+directory; do
            echo "share/corral/${file%.yaml}$variant.rules"
        done
    done
    for filter in "$1"/share/corral/profiles/seccomp/*.bpf; do
        name=${filter##*/}
        rest=${name%.bpf}+
        while [ -n "$rest" ] && [ -e "profiles/seccomp/${rest%%+*}.json" ]; do rest=${rest#*+}; done
        if [ -z "$rest" ]; then echo "share/corral/profiles/seccomp/$name"; fi
    done
}

# Prints SHELL DESTINATION for each script of `corral completion`.
completion_files() {
    echo "bash share/bash-completion/completions/corral"
    echo "zsh share/zsh/site-functions/_corral"
    echo "fish share/fish/vendor_completions.d/corral.fish"
}

# The manual pages in $1, relative to it: those that say in their first line that corral wrote them.
manual_pages() {
    for page in "$1"/share/man/man1/corral.1 "$1"/share/man/man1/corral-*.1; do
        if [ -f "$page" ] && [ "$(head -n 1 "$page")" = '.\" Written by corral man.' ]; then
            echo "share/man/man1/${page##*/}"
        fi
    done
}

# Directories that are Corral's alone, innermost first.
installed_directories() {
    printf '%s\n' libexec/corral share/corral/profiles/seccomp share/corral/profiles/plans share/corral/profiles \
        share/corral/images share/corral share/doc/corral
}
