#!/bin/bash
# Fuzzes the JSON scanner with libFuzzer and the address sanitizer: scripts/fuzz.sh [SECONDS].
# A text that traps is left in .build/fuzz and named in the output.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
work=.build/fuzz
mkdir -p "$work/corpus"
flags=(-swift-version 6 -strict-memory-safety -package-name corral -parse-as-library -O -g
    -enable-upcoming-feature InternalImportsByDefault -enable-upcoming-feature MemberImportVisibility
    -sanitize=fuzzer,address -use-ld=lld)
swiftc "${flags[@]}" -module-name Wire -emit-module -emit-module-path "$work/Wire.swiftmodule" \
    -emit-library -static -o "$work/libWire.a" Sources/Wire/*.swift
swiftc "${flags[@]}" -module-name JSONFuzz -I "$work" -L "$work" -lWire -o "$work/json" Fuzz/JSON.swift

printf '%s' '{"jsonrpc":"2.0","id":7,"method":"a/render","params":{"b":[1,-2.5e3,true,null]}}' >"$work/corpus/call"
printf '%s' '{"id":"\u00e9\uD83D\uDE00","result":{"url":"https://x","a":{"a":"订单号"}}}' >"$work/corpus/answer"
"$work/json" -max_total_time="$seconds" -max_len=4096 -print_final_stats=1 \
    -artifact_prefix="$work/" "$work/corpus"
