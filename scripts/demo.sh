#!/bin/bash
# Shows Corral at work: a TGO plugin serves its host from inside a sandbox, then a hostile script
# tries twelve things on the machine and another one eight on its host, and the rules behind it all are asked for.
# Then a session is made, used and looked at, its daemon killed with -9, and the session found again. A tenant with
# a plan has a session and is refused another one; what it may have and has, what runs, and who did what are
# asked for last, and everything that could have been left is counted. Exits 0 only if the plugin did its
# work, no attempt succeeded, the session was found, the tenant was refused, nothing is left and the answers are right.
# `make demo` builds and runs it.
set -euo pipefail
cd "$(dirname "$0")/.."

corral=${CORRAL:-$PWD/.build/stage/bin/corral}
python=/usr/bin/python3
# Short, because a unix socket's path may have 107 bytes.
work=$(mktemp -d /tmp/corral-demo.XXXXXX)
failed=0

if [[ -t 1 && -z ${NO_COLOR:-} && ${TERM:-dumb} != dumb ]]; then
    bold=$'\e[1m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'
else
    bold='' red='' green='' plain=''
fi

heading() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }
fail() {
    printf '%sdemo: %s%s\n' "$red" "$1" "$plain" >&2
    failed=1
}

background=()
# shellcheck disable=SC2317 # Called by the trap.
cleanup() {
    for pid in "${background[@]}"; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    if [[ -e $work/daemon ]]; then "$corral" daemon stop --sessions --state "$work/daemon" >/dev/null 2>&1 || true; fi
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# Waits for a file that another process makes.
wait_for() {
    for _ in {1..100}; do
        if [[ -e $1 ]]; then return; fi
        sleep 0.05
    done
    fail "$1 did not appear"
}

# Waits until somebody listens at a unix socket; its file is there earlier.
wait_for_listener() {
    for _ in {1..100}; do
        if grep -q "^[^ ]* [^ ]* 0* 00010000 .* $1\$" /proc/net/unix; then return; fi
        sleep 0.05
    done
    fail "nobody listens at $1"
}

# Runs corral; what it says on standard error is shown only where the status is not the wanted one.
run_corral() {
    local wanted=$1 status=0
    shift
    "$corral" run "$@" 2>"$work/stderr" </dev/null || status=$?
    if [[ $status -ne $wanted ]]; then
        cat "$work/stderr" >&2
        fail "corral ended with status $status"
    fi
}

run_plugin() {
    cp -r examples/tgo/plugin "$work/plugin"
    "$python" -B examples/tgo/host/host.py "$work/host.sock" >"$work/messages" 2>&1 &
    local host=$!
    background+=("$host")
    wait_for_listener "$work/host.sock"
    run_corral 0 --relay "tgo=$work/host.sock" --workspace "$work/plugin" --report "$work/plugin.json" \
        -- python3 main.py
    # The host waits 30 s for a plugin, but this one has ended: if it was served, so has the host.
    for _ in {1..40}; do
        if ! kill -0 "$host" 2>/dev/null; then break; fi
        sleep 0.05
    done
    kill "$host" 2>/dev/null || true
    if ! wait "$host"; then fail "the host was not content with the plugin"; fi

    heading "Layers of the plugin's sandbox"
    if [[ -s $work/plugin.json ]]; then "$python" scripts/report.py "$work/plugin.json" layers; fi
    heading "What the plugin and its host said to each other through the relay"
    sed 's/^/  /' "$work/messages"
    echo "  its workspace now holds: $(cd "$work/plugin" && echo *)"
}

# A secret to steal and a service of the host to reach; both have to work from outside, or their
# being out of reach inside would show nothing.
plant() {
    echo "the host's secret" >"$work/secret"
    chmod 644 "$work/secret"
    "$python" -c '
import os, socket, sys
listener = socket.create_server(("127.0.0.1", 0))
with open(sys.argv[1] + ".new", "w") as file:
    file.write(str(listener.getsockname()[1]))
os.rename(sys.argv[1] + ".new", sys.argv[1])
while True:
    listener.accept()[0].close()' "$work/port" &
    background+=("$!")
    wait_for "$work/port"
    port=$(<"$work/port")
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
        fail "the planted service does not answer"
    fi
}

attempt() { printf '  %-22s%s%s%s  %s\n' "$3" "$1" "$2" "$plain" "$4"; }

run_hostile() {
    plant
    mkdir "$work/hostile"
    cp examples/hostile/hostile.py "$work/hostile"
    heading "Twelve attempts of a hostile plugin, and what stopped each"
    run_corral 0 --memory 128MiB --pids 64 --workspace "$work/hostile" --report "$work/hostile.json" \
        -e "SECRET_PATH=$work/secret" -e "HOST_PORT=$port" -- python3 hostile.py >"$work/attempts"
    while IFS= read -r line; do
        case $line in
        *": DENIED "*) attempt "$green" DENIED "${line%%: *}" "${line#*: DENIED }" ;;
        *) attempt "$red" SUCCEEDED "${line%%: *}" "" ;;
        esac
    done <"$work/attempts"
    if [[ $(grep -c ': DENIED ' "$work/attempts") -ne 12 ]]; then
        fail "not all twelve attempts were denied"
    fi
    if [[ -s $work/hostile.json ]]; then "$python" scripts/report.py "$work/hostile.json"; fi
}

run_hostile_relay() {
    "$python" -B examples/hostile/host.py "$work/victim.sock" >"$work/record" 2>&1 &
    background+=("$!")
    wait_for_listener "$work/victim.sock"
    heading "Eight attempts on the host application, and the rule of the relay that stopped each"
    run_corral 0 --profile examples/hostile/rules.yaml --relay "tgo=$work/victim.sock" \
        --report "$work/relay.json" -- python3 -c "$(<examples/hostile/relay.py)" >"$work/replies"
    # It may still be reading: four connections were made.
    for _ in {1..100}; do
        if [[ $(grep -c '"ended"' "$work/record") -ge 4 ]]; then break; fi
        sleep 0.05
    done
    if ! "$python" scripts/attempts.py "$work/relay.json" "$work/record" >"$work/attempts"; then
        cat "$work/replies" >&2
        fail "not all eight attempts on the host were denied"
    fi
    while IFS= read -r line; do
        case $line in
        *": DENIED "*) attempt "$green" DENIED "${line%%: *}" "${line#*: DENIED }" ;;
        *) attempt "$red" SUCCEEDED "${line%%: *}" "" ;;
        esac
    done <"$work/attempts"
}

# Asks corral about the rules; nothing is run. The first word is the status that is wanted.
ask() {
    local wanted=$1 status=0
    shift
    printf '\n  $ corral %s\n' "$*"
    "$corral" "$@" >"$work/answer" 2>&1 </dev/null || status=$?
    sed 's/^/  /' "$work/answer"
    if [[ $status -ne $wanted ]]; then fail "corral $* ended with status $status"; fi
}

# Asks the private daemon; the answer must hold the first word.
use() {
    local wanted=$1
    shift
    ask 0 "$@"
    if ! grep -qF -- "$wanted" "$work/answer"; then fail "corral $* did not say $wanted"; fi
}

# Asks for what the daemon has to refuse; the answer must hold the first word.
refused() {
    local wanted=$1
    shift
    ask 1 "$@"
    if ! grep -qF -- "$wanted" "$work/answer"; then fail "corral $* was not refused for its $wanted"; fi
}

# A daemon of the demo's own, beside any other of this machine.
run_daemon() {
    local pid
    # Whom root's daemon becomes has to be able to pass.
    chmod 711 "$work"
    export CORRAL_STATE=$work/daemon
    if [[ $(id -u) -eq 0 ]]; then export CORRAL_USER=nobody CORRAL_SOCKET_GROUP=none; fi
    heading "A session, and its daemon killed with -9"
    use serves daemon run --detach
    ask 0 session create --name demo --label shown=yes
    use 'hello from the session' session exec demo -- \
        sh -c 'echo "hello from the session" | tee /tmp/note'
    ask 0 session start --name ticker demo -- \
        sh -c 'for n in 1 2 3 4 5 6; do echo "tick $n"; sleep 0.3; done'
    use demo session list
    pid=$("$corral" daemon status -o json | sed -n 's/.*"pid":\([0-9]*\).*/\1/p')
    printf '\n  $ kill -9 %s    # corrald\n' "$pid"
    kill -9 "$pid"
    for _ in {1..100}; do if [[ ! -e /proc/$pid/exe ]]; then break; fi; sleep 0.05; done
    ask 3 daemon status
    use serves daemon run --detach
    use demo session list --filter label=shown=yes
    use 'hello from the session' session exec demo -- cat /tmp/note
    for _ in {1..100}; do
        if "$corral" session processes demo 2>/dev/null | grep -q 'ticker.*exited'; then break; fi
        sleep 0.1
    done
    use 'tick 6' session logs demo ticker
    if [[ $(sort "$work/answer" | uniq -d) || $(wc -l <"$work/answer") -ne 6 ]]; then
        fail "a line of the output was lost, or is there twice"
    fi
    ask 0 session inspect demo
}

# The demo's own daemon goes on: another party gets a part of it, and no more.
run_tenant() {
    heading "A tenant with a plan, and what it is refused"
    ask 0 tenant create --plan free red
    ask 0 quota set red sessions=1
    ask 0 session create --tenant red --name bot
    use 'nothing of the others' session exec --tenant red bot -- echo 'nothing of the others'
    refused 'may have 1 of sessions' session create --tenant red --name second
    refused 'plan' session create --tenant red --name open --profile default
    heading "Who may have what and has it, what runs, who did what"
    use execs_per_day quota show --tenant red
    use bot ps --all-tenants
    use tenant.create audit query
    if ! grep -q 'session.create.*forbidden' "$work/answer"; then fail "the refusal is not on record"; fi
}

end_daemon() {
    if ! "$corral" audit verify >"$work/answer" 2>&1; then
        cat "$work/answer" >&2
        fail "the audit is not whole"
    fi
    "$corral" daemon stop --sessions >"$work/answer" 2>&1 || fail "the daemon did not end: $(<"$work/answer")"
    unset CORRAL_STATE CORRAL_USER CORRAL_SOCKET_GROUP
}

explain_rules() {
    heading "What two profiles differ in, and why something is refused, without running anything"
    ask 1 profile diff offline offline_readonly
    ask 3 profile explain default --syscall mount
    ask 3 profile explain default --path /etc/shadow --read
    ask 0 profile explain default --path /workspace/notes --write
}

scripts/census.sh before "$work/census"
run_plugin
run_hostile
run_hostile_relay
explain_rules
run_daemon
run_tenant
end_daemon
heading "What is left on the host"
if difference=$(scripts/census.sh compare "$work/census"); then
    scripts/census.sh
    echo "  nothing more than before"
else
    echo "$difference"
    fail "something was left behind"
fi
echo
if [[ $failed -eq 0 ]]; then echo "${green}demo: everything as it should be${plain}"; fi
exit "$failed"
