#!/bin/bash
# Clients of a corrald that is killed at random, against a model: churn.sh [SECONDS] [SEED]. `make churn`
# builds what it needs and runs it. Needs root.
#
# Five parts of six of the time corrald alone is killed, in the rest both daemons. With EACH=N in the environment
# they are killed N times at each fail point instead.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-180}
seed=()
if [[ -n ${2:-} ]]; then seed=(--seed "$2"); fi
churn=.build/debug/Churn
mkdir -p .build/evidence
if [[ -n ${EACH:-} ]]; then exec "$churn" points --each "$EACH" "${seed[@]}"; fi
status=0
"$churn" mixed --seconds $((seconds - seconds / 6)) --victim corrald "${seed[@]}" || status=$?
"$churn" mixed --seconds $((seconds / 6 + 1)) --victim both --pause 4000 "${seed[@]}" || status=$?
exit "$status"
