#!/bin/sh
# Sessions: the daemon and its warden as they are installed, on cgroup v2 alone.
# shellcheck source=scripts/vm/lib.sh
. /opt/vm/lib.sh

uids() { sed -n 's/^Uid:\t//p' "/proc/$1/status"; }
no_daemon() { ! pidof corrald >/dev/null; }
no_init() { ! pidof sandbox-init >/dev/null; }
no_sandbox() { [ -z "$(sandboxes)" ] && no_init; }
start_daemon() {
    daemon run --detach
    check "$1" is $code 0
}

# As root, or as an ordinary user about the own daemon.
who=root
ask() {
    if [ $who = root ]; then
        $corral session "$@"
    else
        # shellcheck disable=SC2016 # Expanded by the inner shell.
        su -c 'exec "$@"' -- plain sh $corral session "$@"
    fi
}
session() {
    ask "$@" >/tmp/out 2>$report
    code=$?
}

# Makes a session; $group is its cgroup.
create() {
    session create "$@"
    id=$(cat /tmp/out)
    group=$(find $groups -type d -name "corral-session-*-$id")
}
# What `inspect` says of a session: a word such as state, and its value.
tells() {
    session inspect "$1"
    [ "$(member "$2")" = "$3" ]
}
ends_as() {
    session wait "$1"
    printed "$2"
}

# How far a session's process `counter` has come, which counts as fast as it may sleep.
# shellcheck disable=SC2016 # Expanded inside.
counting='i=0; while :; do i=$((i+1)); echo $i; sleep 0.1; done'
count() { ask logs --tail 1 "$1" counter 2>/dev/null; }
beyond() {
    reached=$(count "$1")
    [ "${reached:-0}" -gt "$2" ]
}
start_counter() {
    session start --name counter "$1" sh -c "$counting"
    soon beyond "$1" 3
}
used() { sed -n 's/^usage_usec //p' "$group/cpu.stat"; }
frozen() { grep -q "^frozen $1\$" "$group/cgroup.events"; }
# Whether it stands still for two seconds, by what it prints and by the cpu time that the kernel counts.
stands_still() {
    before=$(count "$1") spent=$(used)
    sleep 2
    [ "$(count "$1")" = "$before" ] && [ "$(used)" = "$spent" ]
}

# Of the session `web`, which is left paused.
pause() {
    start_counter web
    session pause web
    check "$1: a session is paused" printed web
    check "$1: the kernel says that its group is frozen" soon frozen 1
    check "$1: its counter and its cpu time stand still" stands_still web
    check "$1: inspect says so" tells web state paused
}
resume() {
    reached=$(count web)
    session resume web
    check "$1: it is resumed" printed web
    check "$1: its counter goes on" soon beyond web "$reached"
    check "$1: and nothing of it is frozen" frozen 0
}
kill_paused() {
    session pause web
    check "$1: it is paused again" soon frozen 1
    session kill --grace 1s --reason 'no longer needed' web
    check "$1: what is paused can be killed" printed web
    check "$1: its cause is the operator's" ends_as web operator
    check "$1: nothing is left of it" soon no_sandbox
}

# --- the daemon
began=$(date +%s)
start_daemon "the daemon starts in the background"
echo "the daemon serves after $(($(date +%s) - began)) s, emulated"
daemon status
check "it is well" said_out 'status    ok'
warden=$(pidof corral-warden)
check "corrald is the user corral" is "$(uids "$(pidof corrald)")" "990	990	990	990"
check "without a capability" grep -q '^CapEff:	0*$' "/proc/$(pidof corrald)/status"
check "the warden is root's" is "$(uids "$warden")" "0	0	0	0"

# --- a session and its limits
create --name web --memory 64MiB --pids 20 --cpus 0.5 --ttl 1h
parent=$(dirname "$group")
check "a session has a cgroup of its own in its tenant's, which is at the top" \
    is "$(dirname "$parent") $(basename "$parent" | cut -d- -f1-2,4)" "$groups corral-tenant-default"
weighs() { [ "$(cat "$parent/cpu.weight")" = "$1" ]; }
check "the tenant's has the usual weight" weighs 100
$corral tenant set default --weight 300 >/tmp/out 2>$report
check "another weight reaches it" soon weighs 300
$corral tenant inspect default >/tmp/out 2>$report
check "and is said to be in force" said_out '"value": 300'
$corral tenant set default --weight 100 >/tmp/out 2>$report
check "memory.max holds its limit" is "$(cat "$group/memory.max")" 67108864
check "memory.swap.max holds its limit" is "$(cat "$group/memory.swap.max")" 0
check "pids.max holds its limit" is "$(cat "$group/pids.max")" 20
check "cpu.max holds its limit" is "$(cat "$group/cpu.max")" "50000 100000"
session inspect web
for name in memory swap pids cpu cgroup-ns uids; do
    check "a session's layer $name is in force" said_out "\"$name\": \"in force\""
done
# shellcheck disable=SC2016
session exec web -- sh -c 'id -u; cat /proc/self/cgroup'
check "exec runs a program as the plugin, at the top of its own cgroups" printed "1000
0::/"
session exec web -- sh -c 'echo err >&2; exit 7'
check "its exit code is the program's" is "$code $(cat $report)" "7 err"

# --- pause and resume
pause root
session exec web -- true
check "exec is refused while it is paused, with the reason" refused 'is paused; resume it first'
session start web true
check "start is refused as well" failed 1 'is paused'
session signal web counter TERM
check "a signal is refused as well" failed 1 'is paused'
session pause web
check "to pause it again changes nothing" printed web

# What v2 counts stands still now as well, so both must say the same.
agrees() {
    session stats -o jsonl web
    said="$(member memory) $(member memory_peak) $(member cpu_time) $(member pids)"
    counted="$(cat "$group/memory.current") $(cat "$group/memory.peak") $(($(used) / 1000))"
    counted="$counted $(cat "$group/pids.current")"
    [ "$said" = "$counted" ]
}
check "stats are memory.current, memory.peak, cpu.stat and pids.current" soon agrees
check "of a session that is paused, beside its limits" is \
    "$(member state) $(member memory_limit) $(member pids_limit)" "paused 67108864 20"

resume root
session resume web
check "what is not paused cannot be resumed" failed 1 'is not paused'

# With another file in the place of cgroup.freeze the same pause stops nothing.
: >/tmp/freeze
nsenter -t "$warden" -m mount --bind /tmp/freeze "$group/cgroup.freeze"
session pause web
reached=$(count web)
check "without cgroup.freeze a pause stops nothing (control)" soon beyond web $((reached + 5))
check "the warden has asked for it, once" is "$(cat /tmp/freeze)" 1
nsenter -t "$warden" -m umount "$group/cgroup.freeze"
session resume web

kill_paused root
create --name brief --ttl 3s
start_counter brief
session pause brief
check "what is paused ends at its time all the same" ends_as brief ttl
create --idle 2s --name idle
check "what nobody uses ends as idle" ends_as idle idle
check "nothing is left of either" soon no_sandbox

# --- limits
create --name small --memory 64MiB --pids 8
# shellcheck disable=SC2086 # One word each.
session exec small -- $eat
check "a process above memory.max is killed, and exec says so" is $code 137
session processes -o jsonl small
check "its cause is memory" is "$(member cause)" memory
check "memory.events counts it" counts memory.events oom_kill
check "the group keeps below memory.max" below "$group/memory.peak" 67108864
session exec small -- sh -c "($forks); true"
check "pids.events counts refused forks" counts pids.events max
session stats -o jsonl small
check "stats tell of both" is "$(($(member oom_kills) > 0)) $(($(member pids_hits) > 0))" "1 1"
check "the session goes on" tells small state running
session kill --grace 0s small
create --name slow --cpus 0.2
session start slow sh -c 'while :; do :; done'
check "cpu.stat counts that it is throttled" soon throttled mostly
session kill --grace 0s slow
create --name large --memory 256MiB --pids 60
# shellcheck disable=SC2086
session exec large -- $eat
check "the same under a higher limit is done (control)" is $code 0
session exec large -- sh -c "$forks"
check "and no fork is refused (control)" counts_nothing pids.events max
session kill --grace 0s large

create --name spender --cpu-time 500ms
session start spender sh -c 'while :; do :; done'
check "cpu time that is used up ends a session" ends_as spender cpu
mkdir -p /etc/corral/profiles
echo '{ description: few processes, extends: default, limits: { pids: 8, pids_kill: true } }' \
    >/etc/corral/profiles/few.yaml
create --name forker --profile few
check "a session has a profile of the operator's" is $code 0
session start forker sh -c "($forks); sleep 100"
check "a refused process ends one whose profile wants that" ends_as forker pids
rm -r /etc/corral/profiles
check "nothing is left of any" soon no_sandbox

# --- corrald is killed
create --name web
start_counter web
create --name still
start_counter still
session pause still
soon frozen 1
reached=$(count still)
# shellcheck disable=SC2016
ask exec web -- sh -c 'until [ -e /tmp/go ]; do sleep 0.1; done; echo late; exit 9' \
    >/tmp/late 2>/tmp/late.errors &
client=$!
has_exec() { ask processes web | grep -q 'exec .*running'; }
check "a program runs for a client" soon has_exec
kill -KILL "$(pidof corrald)"
soon no_daemon
daemon status
check "without corrald status says that sessions go on" is "$code $(sed -n 's/^sessions *//p' /tmp/out)" "3 2"
start_daemon "another corrald starts"
check "with the same warden" is "$(pidof corral-warden)" "$warden"
check "a session is found again" tells web state running
check "one that was paused is paused still" tells still state paused
check "its counter stands where it stood" is "$(count still)" "$reached"
session exec web -- touch /tmp/go
wait $client
check "the program of a client survives" is "$? $(cat /tmp/late)" "9 late"
before=$(count web)
check "a process goes on" soon beyond web "$before"
ask logs web counter >/tmp/out
check "no line of it is missing or there twice" is "$(cat /tmp/out)" "$(seq "$(sed -n '$p' /tmp/out)")"
check "and there are more of them" test "$(sed -n '$p' /tmp/out)" -gt "$before"
reached=$(count still)
session resume still
check "what was paused goes on when it is resumed" soon beyond still "$reached"

# --- the warden is killed
kill -KILL "$warden"
check "with its warden every sandbox ends" soon no_init
check "and root's corrald ends, to be started again" soon no_daemon
start_daemon "both start again"
for each in web still; do
    check "the session $each has ended" tells $each state ended
    check "as daemon-restart" tells $each cause daemon-restart
done
check "no cgroup is left of them" soon no_sandbox
create --name web
check "their names are free" tells web state running

# --- the end
warden=$(pidof corral-warden)
daemon stop
check "stop ends corrald" no_daemon
check "and no session" is "$(pidof corral-warden) $(sed 1q "$group/cgroup.events")" "$warden populated 1"
start_daemon "it starts again"
session exec web -- echo on
check "and has its session" printed on
daemon stop --sessions
check "stop --sessions ends all of them" said_out 'all has ended'
daemon status
check "nothing runs" is $code 3
check "the daemon leaves nothing" soon is_clean

# --- an ordinary user's, with nothing delegated
export XDG_RUNTIME_DIR=/tmp/plain-sessions
mkdir -m 700 $XDG_RUNTIME_DIR
chown plain:plain $XDG_RUNTIME_DIR
run_plain $groups $corral daemon run --detach
check "an ordinary user's daemon starts" is $code 0
check "it is that user" is "$(uids "$(pidof corrald)") $(uids "$(pidof corral-warden)")" \
    "1000	1000	1000	1000 1000	1000	1000	1000"
who=plain
create --name web
session exec web -- id -u
check "it has sessions" printed 1000
session pause web
check "without a delegated cgroup a pause is refused, with the reason" failed 1 'the sandbox has no cgroup'
run_plain $groups $corral daemon stop --sessions
check "its daemon and sessions are ended" soon is_clean

# --- the same with a delegated cgroup
scope=$groups/scope
mkdir $scope
chown plain:plain $scope $scope/cgroup.procs $scope/cgroup.subtree_control
run_plain $scope $corral daemon run --detach
check "an ordinary user's daemon starts in a delegated cgroup" is $code 0
who=plain
create --name web --memory 64MiB --pids 20 --cpus 0.5
check "it makes a session" is $code 0
check "whose group is in the delegated one" is "$(dirname "$(dirname "$group")")" $scope
limits=$(cat "$group/memory.max" "$group/pids.max" "$group/cpu.max" | tr '\n' ' ')
check "and holds its limits" is "$limits" "67108864 20 50000 100000 "
session inspect web
for name in memory swap pids cpu; do
    check "ordinary user: a session's layer $name is in force" said_out "\"$name\": \"in force\""
done
pause "ordinary user"
resume "ordinary user"
kill_paused "ordinary user"
create --name small --memory 64MiB
# shellcheck disable=SC2086
session exec small -- $eat
check "ordinary user: a process above memory.max is killed" is $code 137
check "ordinary user: memory.events counts it" counts memory.events oom_kill
run_plain $groups $corral daemon stop --sessions
check "ordinary user: stop --sessions ends all of them" said_out 'all has ended'
check "ordinary user: no group is left" soon no_sandbox
rmdir $scope/corral-supervisor $scope
check "in the end nothing is left" soon is_clean
