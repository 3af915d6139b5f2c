#!/bin/sh
# The machine's clock is set while sessions run and quotas of the day are used up: back by an hour, back over midnight
# (UTC), and forward again. At the end it is right again, so that nothing after this notices.
# shellcheck source=scripts/vm/lib.sh
. /opt/vm/lib.sh

# A daemon of its own: its records have times that no other part should meet.
export CORRAL_STATE=/srv/clock
session() {
    $corral session "$@" >/tmp/out 2>$report
    code=$?
}
audit() {
    $corral audit "$@" >/tmp/out 2>$report
    code=$?
}
tells() {
    session inspect "$1"
    [ "$(member "$2")" = "$3" ]
}
# Seconds of a clock that nobody sets.
moment() { cut -d. -f1 /proc/uptime; }
set_clock() {
    date -u -s "$1" >/dev/null
    echo "it is $(date -u '+%F %T')"
}
# What red has used of a quota, and when it is counted anew.
used() {
    $corral quota show --tenant red -o jsonl 2>$report | grep "\"$1\"" >/tmp/out
    member used
}
resets() { sed -n 's/.*"resets":"\([^"]*\)".*/\1/p' /tmp/out; }
whole() {
    audit verify
    check "$1: the audit is whole" printed "whole up to $(sed 's/.* //' /tmp/out)"
}
exec_red() { session exec --tenant red keep -- true; }
spent() {
    exec_red
    check "$1: an exec more is refused" refused 'red may have 2 of execs_per_day'
    check "$1: until the end of that day" said "counted anew at $2"
    check "$1: what was used is as much as before" is "$(used execs_per_day) $(resets)" "2 $2"
}
# Ends with the cause $2 at least $3 seconds after $4, and long before the clock comes to the time that it had then.
ends_in_time() {
    timeout 1500 $corral session wait "$1" >/tmp/out 2>$report
    code=$?
    check "$1 ends by itself, as $2" printed "$2"
    took=$(($(moment) - $4))
    check "not before its time" test $took -ge "$3"
    check "nor an hour late" test $took -lt 1500
}

began=$(date +%s)
started=$(moment)
set_clock '2027-03-02 02:30:00'
daemon run --detach
check "a daemon starts" is $code 0
$corral tenant create red >/tmp/out 2>$report
$corral quota set red execs_per_day=2 creations_per_minute=30 >/tmp/out 2>$report
code=$?
check "a tenant may have two execs a day" is $code 0
session create --tenant red --name keep --ttl 1h
check "it has a session" is $code 0
exec_red
check "which is used" is $code 0
exec_red
check "twice" is $code 0
spent "that day" 2027-03-03T00:00:00.000Z

# --- an hour back
# Long enough that a slow machine is back from asking before they end.
made=$(moment)
session create --tenant red --name brief --ttl 120s
session create --tenant red --name idle --idle 120s
session create --tenant red --name most --max 120s
set_clock '2027-03-02 01:30:00'
check "an hour back: nothing ends at once" is "$($corral session list --tenant red -q | wc -l)" 4
spent "an hour back" 2027-03-03T00:00:00.000Z
ends_in_time brief ttl 120 "$made"
ends_in_time idle idle 120 "$made"
ends_in_time most max 120 "$made"
check "one that has more time goes on" tells keep state running

# What is counted by the minute is a rate, and no hour's worth of it.
check "creations count in a minute" is "$(used creations_per_minute)" 0

# --- over midnight, and a daemon that starts there
made=$(moment)
session create --tenant red --name late --ttl 40s
set_clock '2027-03-01 23:30:00'
spent "a day back" 2027-03-03T00:00:00.000Z
whole "a day back"
kill -KILL "$(pidof corrald)"
daemon run --detach
check "a killed corrald starts there" is $code 0
spent "behind the restart" 2027-03-03T00:00:00.000Z
check "its session goes on" tells keep state running
ends_in_time late ttl 40 "$made"

# --- and forward again
set_clock '2027-03-02 02:45:00'
spent "the same day again" 2027-03-03T00:00:00.000Z
made=$(moment)
session create --tenant red --name next --ttl 40s
set_clock '2027-03-03 00:10:00'
check "the next day: nothing ends at once" tells keep state running
check "the day is another one" is "$(used execs_per_day) $(resets)" "0 2027-03-04T00:00:00.000Z"
exec_red
check "the next day: an exec is let in" is $code 0
exec_red
check "and a second one" is $code 0
spent "the next day" 2027-03-04T00:00:00.000Z
ends_in_time next ttl 40 "$made"
check "what has more time goes on" tells keep state running

# --- what became of it
$corral usage --tenant red --month 2027-03 -o json >/tmp/out 2>$report
ran=$(member session_milliseconds)
most=$((($(moment) - started) * 5000))
check "sessions ran for as long as they did, whatever the clock said" test "$ran" -gt 40000 -a "$ran" -le $most
check "and the execs of all days are there" is "$(member execs)" 4
whole "in the end"
days() { sed -n 's/.*"time":"\([^T]*\)T.*/\1/p' /tmp/out | sort -u | xargs; }
audit query -o jsonl
check "it has records of all days" is "$(days)" "2027-03-01 2027-03-02 2027-03-03"
audit query -o jsonl --since 2027-03-01 --until 2027-03-02T00:00:00Z
check "those of a day that came behind another are found by its times" is "$(days)" 2027-03-01
daemon stop --sessions
check "all of it is ended" said_out 'all has ended'
check "nothing is left" soon is_clean
set_clock "@$((began + $(moment) - started))"
rm -rf "$CORRAL_STATE"
