#!/bin/bash
# Fuzzes what reads bytes of others, with libFuzzer and the address sanitizer: fuzz.sh [SECONDS [TARGET...]].
# The seconds are shared by all targets, as many of which run at once as there are processors. What is found
# is left in .build/fuzz/TARGET and named at the end, and the exit code is 1.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
shift || true
work=.build/fuzz
program=$work/build/release/Fuzz
mkdir -p "$work" .build/tmp

echo "== build"
TMPDIR=$PWD/.build/tmp CORRAL_FUZZ=1 swift build -c release --product Fuzz \
    --scratch-path "$work/build" </dev/null

# Swift's own report of a crash comes before libFuzzer's, which then keeps no input. Memory that a process
# still has at its end is no finding: a static value is never freed.
export SWIFT_BACKTRACE=enable=no ASAN_OPTIONS=detect_leaks=0

longest() { "$program" | awk -v name="$1" '$1 == name { print $2 }'; }

# fuzz_one TARGET SECONDS: new inputs go to .build/fuzz/TARGET/corpus, where the next run finds them.
fuzz_one() {
    local status=0 kind
    local inputs=("$work/$1/corpus")
    for kind in corpus crashes; do
        if [ -d "Fuzz/$kind/$1" ]; then inputs+=("Fuzz/$kind/$1"); fi
    done
    mkdir -p "$work/$1/corpus"
    FUZZ_TARGET=$1 nice "$program" -max_total_time="$2" -max_len="$(longest "$1")" -timeout=20 \
        -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$work/$1/" \
        "${inputs[@]}" >"$work/$1/log" 2>&1 </dev/null || status=$?
    echo "$status" >"$work/$1/status"
}

echo "== a bug that is there on purpose must be found"
rm -rf "$work/planted"
fuzz_one planted 60
if [ "$(cat "$work/planted/status")" -eq 0 ] || ! compgen -G "$work/planted/crash-*" >/dev/null; then
    echo "fuzz: the planted bug was not found, so nothing would be; see $work/planted/log" >&2
    exit 1
fi
echo "found, exit code $(cat "$work/planted/status"), kept as $(compgen -G "$work/planted/crash-*" | head -n 1)"

mapfile -t targets < <("$program" | cut -d ' ' -f 1)
for target in "$@"; do
    if ! printf '%s\n' "${targets[@]}" | grep -qxF -- "$target"; then
        echo "fuzz: there is no target $target; there are ${targets[*]}" >&2
        exit 2
    fi
done
if [ $# -gt 0 ]; then targets=("$@"); fi
processors=$(nproc)
each=$((seconds * processors / ${#targets[@]}))
if [ "$each" -lt 1 ]; then each=1; fi
if [ "$each" -gt "$seconds" ]; then each=$seconds; fi
echo "== fuzz ${#targets[@]} targets, $each s each, $processors at once"
for target in "${targets[@]}"; do
    rm -f "$work/$target/status" "$work/$target"/{crash,timeout,oom,leak}-*
    while [ "$(jobs -rp | wc -l)" -ge "$processors" ]; do wait -n || true; done
    fuzz_one "$target" "$each" &
done
wait

failed=0
printf '%-14s %12s %10s %8s  %s\n' target executions "a second" inputs result
for target in "${targets[@]}"; do
    log=$work/$target/log
    figure() { awk -v name="stat::$1:" '$1 == name { print $2 }' "$log"; }
    result=clean
    status=$(cat "$work/$target/status" 2>/dev/null || echo "no")
    if [ "$status" != 0 ]; then
        failed=1
        result="FOUND (exit code $status): $(find "$work/$target" -maxdepth 1 -name '*-*' -printf '%p ')"
    fi
    printf '%-14s %12s %10s %8s  %s\n' "$target" "$(figure number_of_executed_units)" \
        "$(figure average_exec_per_sec)" "$(find "$work/$target/corpus" -type f | wc -l)" "$result"
    if [ "$status" != 0 ]; then
        grep -aE '^fuzz: |Fatal error|ERROR: |SUMMARY: ' "$log" | head -n 5 | sed 's/^/    /'
    fi
done
if [ "$failed" -ne 0 ]; then
    echo "fuzz: FUZZ_TARGET=TARGET $program FILE runs one of them again; fixed, it belongs in Fuzz/crashes/TARGET"
fi
exit "$failed"
