#!/bin/bash
# Makes and kills sandboxes and looks for what is left: soak.sh [CYCLES] [SEED]. `make soak` builds what it
# needs and runs it. Needs root, and a machine on which nothing else starts sandboxes meanwhile.
#
# Three kinds of cycles, CYCLES of each: launches of one resident process, `corral run` one after the
# other, and 50 at a time. The result is .build/evidence/soak.json. The last tenth of the starts may take
# 1.2 times as long as the first; docs/testing.md says how that is judged on a machine that has slow minutes.
set -euo pipefail
cd "$(dirname "$0")/.."

cycles=${1:-10000}
options=(--cycles "$cycles" --every 1000 --width 50 --ratio 1.2 --drop-caches yes)
options+=(--json .build/evidence/soak.json)
if [[ -n ${2:-} ]]; then options+=(--seed "$2"); fi
exec .build/release/Soak "${options[@]}"
