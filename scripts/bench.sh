#!/bin/bash
# Measures everything and writes the result and its page: bench.sh [ROUNDS]. `make bench` builds and runs
# it. The result is .build/bench.json; the page docs/benchmarks.md, or with fewer than 100 rounds, which
# is for trying, .build/benchmarks.md. Needs root, as runc does.
set -euo pipefail
cd "$(dirname "$0")/.."

rounds=${1:-300}
corral=${CORRAL:-$PWD/.build/stage/bin/corral}
corrald=${CORRALD:-$PWD/.build/stage/sbin/corrald}
benchmarks=$PWD/.build/release/Benchmarks
work=$(mktemp -d /tmp/corral-bench.XXXXXX)
lines=$work/lines
running=

# shellcheck disable=SC2317 # Called by the trap.
cleanup() {
    if [[ -n $running ]]; then
        kill "$running" 2>/dev/null || true
        wait "$running" 2>/dev/null || true
    fi
    local name
    for name in "$work"/runc/*/; do
        if [[ -d $name ]]; then runc --root "$work/runc" delete --force "$(basename "$name")" || true; fi
    done
    if mountpoint -q "$work/bundle/rootfs/usr"; then umount "$work/bundle/rootfs/usr"; fi
    rm -rf --one-file-system "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

# In the background, so that a signal ends it and the shell at once; what it started ends with it.
measure() {
    echo "== $1"
    # First, because the words of a program go on to the end.
    "$benchmarks" "$1" --json "$lines" "${@:2}" &
    running=$!
    wait "$running"
    running=
}

leave_out() {
    echo "$1 is left out: $2"
    printf '{"leftOut":"%s","reason":"%s"}\n' "$1" "$2" >>"$lines"
}

# The links of a merged /usr, as arguments of bwrap or as links of a directory.
links=()
for name in bin sbin lib lib32 lib64 libx32; do
    if [[ -L /$name ]]; then links+=(--symlink "usr/$name" "/$name"); fi
done

# A bundle for runc that runs /usr/bin/true.
make_bundle() {
    local root=$work/bundle/rootfs
    mkdir -p "$root"/{usr,proc,dev,sys,etc}
    for ((i = 0; i < ${#links[@]}; i += 3)); do ln -s "${links[i + 1]}" "$root${links[i + 2]}"; done
    mount --bind -o ro /usr "$root/usr"
    (cd "$work/bundle" && runc spec)
    /usr/bin/python3 - "$work/bundle/config.json" <<'PYTHON'
import json, sys
path = sys.argv[1]
with open(path) as file:
    spec = json.load(file)
spec["process"]["terminal"] = False
spec["process"]["args"] = ["/usr/bin/true"]
with open(path, "w") as file:
    json.dump(spec, file)
PYTHON
}

# A stored tree with the names at its top that Debian has, and `true` with its libraries.
make_tree() {
    local root=$work/tree
    mkdir -p "$root"/{boot,etc,mnt,opt,root,srv,usr/bin,usr/lib,var}
    for name in bin lib lib64; do ln -s "usr/${name%64}" "$root/$name"; done
    cp /usr/bin/true "$root/usr/bin/"
    ldd /usr/bin/true | grep -o '/[^ ]*' | while read -r library; do cp -L "$library" "$root/usr/lib/"; done
    "$corral" image import bench "$root"
}

# What is measured, and how busy the machine is with something else.
commit=$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
if git --no-optional-locks status --porcelain -uno 2>/dev/null | grep -qv ' docs/benchmarks.md$'; then
    commit+=", changed"
fi
read -r load _ </proc/loadavg
echo "{\"before\":{\"commit\":\"$commit\",\"load\":$load}}" >"$lines"
bwrap=(/usr/bin/bwrap --unshare-all --ro-bind /usr /usr "${links[@]}" --proc /proc --dev /dev)
export CORRAL_IMAGES=$work/images
make_tree
runc=()
if [[ $(id -u) -eq 0 ]]; then
    make_bundle
    runc=("$(command -v runc)" --root "$work/runc" run --bundle "$work/bundle")
else
    leave_out runc "it needs root here"
fi
parts=()
for part in base general ipc unix network openat2; do parts+=("profiles/seccomp/$part.json"); done

programs=(--command "fork+exec" -- /usr/bin/true
    --command bwrap -- "${bwrap[@]}" -- /usr/bin/true
    --command corral -- "$corral" run -- /usr/bin/true)
all=("${programs[@]}" --command "corral, tree" -- "$corral" run --image bench -- /usr/bin/true
    --floor "floor program" -- "${parts[@]}")
if [[ ${#runc[@]} -gt 0 ]]; then all+=(--command runc -- "${runc[@]}" "corral-bench-$$"); fi
measure launch --rounds "$rounds" --relative-to bwrap "${all[@]}"

# Beside sandboxes that run already; each says that it does, then idles.
idle=(/bin/sh -c 'echo running; exec sleep 3600')
few=$((rounds < 200 ? rounds : 200))
measure curve --rounds "$few" --relative-to bwrap --counts 1,10,100,500 "${programs[@]}" \
    --idle corral -- "$corral" run -- "${idle[@]}" \
    --idle bwrap -- "${bwrap[@]}" --die-with-parent -- "${idle[@]}"

# 20 seconds each, as long as nobody asks for few rounds.
seconds=$((rounds >= 300 ? 20 : rounds / 15 + 1))
rates=(--command bwrap -- "${bwrap[@]}" -- /usr/bin/true
    --command corral -- "$corral" run -- /usr/bin/true)
if [[ ${#runc[@]} -gt 0 ]]; then rates+=(--command runc -- "${runc[@]}" "corral-bench-$$-{}"); fi
measure sustained --seconds "$seconds" --relative-to bwrap --counts 1,2,4 "${rates[@]}"

# What filters cost: compiling, reading from the cache, loading. Each policy by its parts.
policies=()
policy() {
    policies+=(--command "$1" --)
    for part in "${@:2}"; do policies+=("profiles/seccomp/$part.json"); done
}
policy default base general ipc unix network openat2
policy network_extended base general ipc unix network netlink openat2
policy offline_readonly base general unix openat2
policy strict base openat2
docker=../shared/vectors/docker-default-seccomp.json
if [[ -e $docker ]]; then
    policies+=(--command "Docker's default" -- "$docker")
else
    leave_out "Docker's default filter" "its policy is not part of this repository"
fi
measure seccomp --rounds "$rounds" "${policies[@]}"

# The scanner, and the same texts by Python's parser, which is C and builds a tree.
mkdir -p "$work/samples"
measure json --rounds "$((rounds < 30 ? rounds : 30))" --samples "$work/samples"
/usr/bin/python3 scripts/bench-python.py "$work/samples" "$lines"
measure allocations

# The relay beside none, one in C that parses nothing, and socat.
turns=$((rounds / 15))
turns=$((turns < 3 ? 3 : turns > 21 ? 21 : turns))
measure relay --rounds "$turns"

# Output of a process, through a ring to an attached client, beside cat.
measure attach --rounds "$turns"

# Volumes: made with their limit, snapshots, removal.
if [[ $(id -u) -eq 0 && -x /usr/sbin/mkfs.btrfs ]]; then
    measure workspace --rounds "$rounds"
else
    leave_out workspace "it needs root and mkfs.btrfs"
fi

# Sessions through the daemon. One of the scenes alone: `Benchmarks session --only NAME --command corrald --
# PATH`.
unset CORRAL_IMAGES
if [[ $(id -u) -eq 0 ]]; then
    measure session --rounds "$rounds" --seconds 10 --counts 1000 --command corrald -- "$corrald" \
        --floor "floor program" -- "${parts[@]}"
else
    leave_out sessions "corrald is started by root here, as the system does"
fi

/usr/bin/python3 scripts/bench-report.py collect "$rounds" "$lines" .build/bench.json
page=docs/benchmarks.md
if [[ $rounds -lt 100 ]]; then page=.build/benchmarks.md; fi
/usr/bin/python3 scripts/bench-report.py write .build/bench.json docs/benchmarks.md.in "$page"
echo "bench: wrote .build/bench.json and $page"
