#!/bin/bash
# Makes every attack in every profile, without each layer, and in other sandboxes, and writes
# docs/security-evidence.md: prove.sh [FILE]. Needs root. `make prove` installs what it needs.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "$(id -u)" -ne 0 ]; then
    echo "prove: needs root: the positive controls are made as root in namespaces of their own" >&2
    exit 1
fi
# Debug builds, which can leave layers out.
mkdir -p .build/tmp
for product in sandbox-init corral attacker prove; do
    swift build --product "$product" </dev/null
done
# What ships must not have the switch.
if [ -e .build/release/corral ] && grep -q CORRAL_TEST_WITHOUT .build/release/corral; then
    echo "prove: the release build has the switch that leaves layers out" >&2
    exit 1
fi
exec .build/debug/prove evidence "${1:-docs/security-evidence.md}"
