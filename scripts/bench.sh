#!/bin/bash
# Measures start to end of /usr/bin/true under each tool, in turn in one run: bench.sh [ROUNDS].
# Then what filters cost. Results: tables, .build/bench.json and .build/bench-seccomp.json. `make bench` builds and runs it. Needs root, as runc does.
set -euo pipefail
cd "$(dirname "$0")/.."

rounds=${1:-300}
corral=${CORRAL:-$PWD/.build/stage/bin/corral}
work=$(mktemp -d /tmp/corral-bench.XXXXXX)

# shellcheck disable=SC2317 # Called by the trap.
cleanup() {
    if mountpoint -q "$work/bundle/rootfs/usr"; then umount "$work/bundle/rootfs/usr"; fi
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# The links of a merged /usr, as arguments of bwrap or as links of a directory.
links=()
for name in bin sbin lib lib32 lib64 libx32; do
    if [[ -L /$name ]]; then links+=(--symlink "usr/$name" "/$name"); fi
done

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

commands=(--command "fork+exec" -- /usr/bin/true)
commands+=(--command bwrap -- /usr/bin/bwrap --unshare-all --ro-bind /usr /usr "${links[@]}"
    --proc /proc --dev /dev -- /usr/bin/true)
if [[ $(id -u) -eq 0 ]]; then
    make_bundle
    commands+=(--command runc -- "$(command -v runc)" run --bundle "$work/bundle" "corral-bench-$$")
else
    echo "bench: runc is left out: it needs root here"
fi
commands+=(--command corral -- "$corral" run -- /usr/bin/true)

# A stored tree with the names at its top that Debian has, and `true` with its libraries.
make_tree() {
    local root=$work/tree
    mkdir -p "$root"/{boot,etc,mnt,opt,root,srv,usr/bin,usr/lib,var}
    for name in bin lib lib64; do ln -s "usr/${name%64}" "$root/$name"; done
    cp /usr/bin/true "$root/usr/bin/"
    ldd /usr/bin/true | grep -o '/[^ ]*' | while read -r library; do cp -L "$library" "$root/usr/lib/"; done
    "$corral" image import bench "$root"
}
export CORRAL_IMAGES=$work/images
make_tree
commands+=(--command "corral, tree" -- "$corral" run --image bench -- /usr/bin/true)

echo "kernel $(uname -r), $(nproc) processors, $rounds rounds, $(date -u +%Y-%m-%dT%H:%MZ)"
.build/release/Benchmarks launch --rounds "$rounds" --relative-to bwrap --json .build/bench.json \
    "${commands[@]}"

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
if [[ -e $docker ]]; then policies+=(--command docker -- "$docker"); fi
.build/release/Benchmarks seccomp --rounds "$rounds" --json .build/bench-seccomp.json "${policies[@]}"

# The scanner, and the same texts by Python's parser, which is C and builds a tree.
mkdir -p "$work/samples"
.build/release/Benchmarks json --samples "$work/samples"
/usr/bin/python3 - "$work/samples" <<'PYTHON'
import json, os, sys, time
print("Python's json, ns per byte")
for name in sorted(os.listdir(sys.argv[1]), key=lambda name: int(name.split()[0])):
    with open(os.path.join(sys.argv[1], name), "rb") as file:
        text = file.read()
    times = []
    for _ in range(15):
        turns = max(1, (1 << 18) // len(text))
        start = time.process_time_ns()
        for _ in range(turns):
            json.loads(text)
        times.append((time.process_time_ns() - start) / turns / len(text))
    print(f"{name.split(' ', 1)[1].removesuffix('.json'):<24}{sorted(times)[7]:>10.3f}")
PYTHON
.build/release/Benchmarks allocations

# The relay beside none, one in C that parses nothing, and socat.
.build/release/Benchmarks relay

# The floor is a program that stays resident and times its own launches, so it cannot take turns
# with the others: its figures come from a run of its own, right after theirs.
floor=../shared/bench/launch-floor.c
if [[ -e $floor && $(id -u) -eq 0 ]]; then
    gcc -O2 -static "$floor" -o .build/launch-floor -lseccomp
    # It works in /tmp: this one is its own and goes with it.
    result=$(unshare --mount sh -c 'mount -t tmpfs none /tmp && exec "$@"' - \
        .build/launch-floor "$rounds" n 2>/dev/null)
    echo "floor program, in a run of its own: $result"
else
    echo "the floor program is not measured: it needs root and $floor"
fi
