#!/bin/bash
# Lints, builds without a warning and runs the tests, lane by lane: test.sh [LANE...].
#
# A lane is a set of tests with a budget of time, run by a process of its own, one after the other: what
# counts things of the whole machine must not have others' sandboxes beside it. Lanes that wait most of their
# time go on beside those that do not count (`beside`). A lane that fails does not stop the next; one that takes
# longer than its budget is named. CORRAL_TEST_ALL=1 has the tests do everything that `make test` has no time for.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p .build/tmp .build/lanes

# Name, budget in seconds, which tests (a regular expression of their names in `swift test list`), and
# which of those not.
lanes=(
    'unit       180 ^[A-Za-z]+Tests\.                      ^(Sandbox|EndToEnd|Fuzz|Soak|Warden|WardenServer|Daemon|Churn|Volumes)Tests\.'
    'warden     180 ^(Warden|WardenServer)Tests\.         -'
    'daemon     240 ^DaemonTests\.                        ^DaemonTests\.(Session[A-Za-z]*Command|Workspace[A-Za-z]*|[A-Za-z]*(Quota|Tenant|Matrix|Plan|Usage|Token[A-Za-z]*|Metrics|Doctor|HostVolume|HostDirectory|Audit[A-Za-z]*))Tests/'
    'tenants    300 ^DaemonTests\.[A-Za-z]*(Quota|Tenant|Matrix|Plan|Usage|Token[A-Za-z]*|Metrics|Doctor|HostVolume|HostDirectory|Audit[A-Za-z]*)Tests/ -'
    'workspaces 240 ^DaemonTests\.Workspace[A-Za-z]*Tests/ -'
    'sessions   240 ^DaemonTests\.Session[A-Za-z]*CommandTests/ -'
    'sandbox    240 ^SandboxTests\.                        [./](AttackTable|Ablation)Tests/'
    'attacks    180 [./](AttackTable|Ablation)Tests/       -'
    'soak       120 ^SoakTests\.                           -'
    'churn      240 ^ChurnTests\.                          -'
    'volumes    180 ^VolumesTests\.                       -'
    'corpora     60 ^FuzzTests\.                           -'
    'end-to-end 120 ^EndToEndTests\.                       -'
)
# The lanes of `beside` begin when `after` is over, go on beside those that follow, and are over before `until`
# begins: from there on lanes count what there is on the machine.
beside='churn tenants'
after=unit
until=sandbox
# Lanes whose tests are still to be written. One that has tests must not be here, and one that is not
# here must have tests, so that a wrong expression cannot lose them.
still_empty=''

# Splits a line of the list above into its columns.
columns() { read -r name budget wanted unwanted <<<"$1"; }

clock() { printf '%d:%02d' $(($1 / 60)) $(($1 % 60)); }

tests_of() { grep -E -- "$1" .build/lanes/every | { if [[ $2 = - ]]; then cat; else grep -vE -- "$2"; fi; } || true; }

lint_and_build() {
    echo "== lint"
    scripts/lint.sh
    echo "== build"
    # The executables that tests run are built with them.
    swift build --build-tests </dev/null 2>&1 | tee .build/build.log
    if grep -q 'warning:' .build/build.log; then
        echo "test: the build printed warnings; there must be none" >&2
        exit 1
    fi
}

# Writes each lane's tests to .build/lanes; every test must be in exactly one.
assign() {
    local line name budget wanted unwanted
    if ! swift test list --skip-build </dev/null >.build/lanes/list 2>.build/lanes/errors; then
        cat .build/lanes/errors >&2
        exit 1
    fi
    grep -E '^[A-Za-z]+\.' .build/lanes/list | sort >.build/lanes/every
    : >.build/lanes/all
    for line in "${lanes[@]}"; do
        columns "$line"
        tests_of "$wanted" "$unwanted" >".build/lanes/$name.tests"
        cat ".build/lanes/$name.tests" >>.build/lanes/all
        if [[ -s .build/lanes/$name.tests && " $still_empty " = *" $name "* ]]; then
            echo "test: the lane $name has tests now; take it out of still_empty in scripts/test.sh" >&2
            exit 1
        fi
        if [[ ! -s .build/lanes/$name.tests && " $still_empty " != *" $name "* ]]; then
            echo "test: the lane $name has no tests; its expression in scripts/test.sh is wrong" >&2
            exit 1
        fi
    done
    if ! diff <(sort .build/lanes/all) .build/lanes/every >.build/lanes/difference; then
        echo "test: these tests are in no lane (>) or in more than one (<):" >&2
        cat .build/lanes/difference >&2
        exit 1
    fi
}

# Runs one lane: its line of the table goes to .build/lanes/table, its status is the result.
run_lane() {
    local name=$1 budget=$2 wanted=$3 unwanted=$4 status=0 began=$SECONDS took count skipped note=''
    local log=.build/lanes/$name.log
    local filters=(--filter "$wanted")
    if [[ $unwanted != - ]]; then filters+=(--skip "$unwanted"); fi
    count=$(wc -l <".build/lanes/$name.tests")
    if [[ $count -eq 0 ]]; then
        echo "== $name: no tests"
        printf '  %-11s %7s\n' "$name" "no tests" >>.build/lanes/table
        return
    fi
    echo "== $name ($count tests, budget $(clock "$budget"))"
    # Two at once: without --ignore-lock the second would wait for the first. Nothing is built any more.
    swift test --skip-build --ignore-lock --disable-xctest "${filters[@]}" </dev/null 2>&1 | tee "$log" ||
        status=$?
    took=$((SECONDS - began))
    skipped=$( (grep -E '➜.* skipped|^skipped:' "$log" || true) | tee ".build/lanes/$name.skipped" | wc -l)
    if [[ $skipped -gt 0 ]]; then
        echo "== skipped in $name"
        cat ".build/lanes/$name.skipped"
    fi
    # Whoever runs other tests than those that were counted must not be called successful.
    if ! grep -qE "Test run with $count tests? " "$log"; then
        echo "test: error: the lane $name did not run its $count tests to the end" | tee -a "$log"
        status=1
    fi
    if [[ $status -ne 0 ]]; then note=' failed'; fi
    if [[ $took -gt $budget ]]; then note+=' over its budget'; fi
    printf '  %-11s %7d %7s %8s %7d%s\n' "$name" "$count" "$(clock "$took")" "$(clock "$budget")" "$skipped" \
        "$note" >>.build/lanes/table
    return "$status"
}

report() {
    local name
    echo "== lanes"
    printf '  %-11s %7s %7s %8s %7s\n' lane tests time budget skipped
    cat .build/lanes/table
    echo "  all $(clock "$SECONDS") with lint and build"
    if [[ $# -eq 0 ]]; then return; fi
    # Whoever sees only the end of a long log must see what failed.
    echo "== failed"
    for name in "$@"; do
        echo "-- $name"
        { grep -A3 -E '✘.* recorded an issue|error:|Fatal error' ".build/lanes/$name.log" || true; } | head -c 20000
    done
}

known=' '
for line in "${lanes[@]}"; do
    columns "$line"
    known+="$name "
done
for lane in "$@"; do
    if [[ $known != *" $lane "* ]]; then
        echo "test: there is no lane $lane; there are:$known" >&2
        exit 2
    fi
done

lint_and_build
assign
: >.build/lanes/table
failed=()
background=()

asked() { [[ ${#chosen[@]} -eq 0 || " ${chosen[*]} " == *" $1 "* ]]; }

is_beside() { [[ " $beside " = *" $1 "* ]]; }

begin_background() {
    local line name budget wanted unwanted
    for line in "${lanes[@]}"; do
        columns "$line"
        if is_beside "$name" && asked "$name"; then
            echo "== $name begins; what it says comes when it is over"
            run_lane "$name" "$budget" "$wanted" "$unwanted" >".build/lanes/$name.out" 2>&1 &
            background+=("$name $!")
        fi
    done
}

# Shows what the lanes that go on beside others said.
join_background() {
    local entry
    for entry in "${background[@]}"; do
        wait "${entry#* }" || failed+=("${entry% *}")
        cat ".build/lanes/${entry% *}.out"
    done
    background=()
}

# What runs in the background of a script does not hear Ctrl-C.
trap 'trap - INT; kill 0' INT
chosen=("$@")
for line in "${lanes[@]}"; do
    columns "$line"
    if [[ $name = "$until" ]]; then join_background; fi
    if ! is_beside "$name" && asked "$name"; then
        run_lane "$name" "$budget" "$wanted" "$unwanted" || failed+=("$name")
    fi
    if [[ $name = "$after" ]]; then begin_background; fi
done
join_background
report "${failed[@]}"
if [[ ${#failed[@]} -gt 0 ]]; then exit 1; fi
