#!/bin/sh
# The second half of a loss of power, on the disk as it was: what checks-reboot.sh has left.
# shellcheck source=scripts/vm/lib.sh
. /opt/vm/lib.sh

session() {
    $corral session "$@" >/tmp/out 2>$report
    code=$?
}
# A member of a session, and its value.
tells() {
    session inspect "$1"
    [ "$(member "$2")" = "$3" ]
}
state=/var/lib/corral
is_not() { [ "$1" != "$2" ]; }
kernel_said() { dmesg | grep -q "$1"; }
integrity() { [ "$(python3 -ISc "$whole" "$1" 2>&1)" = ok ]; }
whole='
import sqlite3, sys
print(sqlite3.connect(sys.argv[1]).execute("PRAGMA integrity_check").fetchone()[0])'

# --- the machine
check "it is another boot" is_not "$(cat /proc/sys/kernel/random/boot_id)" "$(cat /srv/boot-id)"
check "its disk was not unmounted" kernel_said 'nvme0n1): recovery complete'
check "what nobody has synchronized is gone (control)" test ! -s /srv/unsynced
check "nothing of Corral's runs" is_clean

# --- the store
daemon status
check "no daemon runs" is $code 3
cp -a $state/daemon /tmp/store
check "the database is whole, with what is in its log" integrity /tmp/store/corral.db
daemon run --detach
check "the daemon starts" is $code 0
daemon status
check "it is well" said_out 'status    ok'
check "and has no session" said_out 'sessions  0 of '
check "no database was set aside" is "$(find $state /srv/own -name '*damaged*')" ""
grep -h 'are lost' $state/corrald.log | tail -n 1

# --- what became of sessions
for each in web still late; do
    check "the session $each has ended" tells $each state ended
    check "as daemon-restart" tells $each cause daemon-restart
done
check "one that had ended is as it was" tells finished cause operator
check "nothing is left of them" is "$(sandboxes)$(pidof sandbox-init)" ""
check "none is there twice" is "$($corral session list -a -q --no-trunc | sort -u | wc -l)" 4

# An exec's result, and what it wrote.
result() {
    id=$($corral session processes -o jsonl "$1" | sed -n 's/.*"id":"\([0-9a-f]*\)".*"kind":"exec".*/\1/p')
    session process "$1" "$id"
    exit=$(member exit)
    echo "$exit $($corral session logs --stream stdout "$1" "$id")"
}
check "the result of one that had ended is kept" is "$(result finished)" "3 result"
check "that of an exec in one that ran as well" is "$(result web)" "5 kept"
check "that of the last moment as well" is "$(result late)" "6 last words"
for each in server flaky; do
    session process web $each
    check "the process $each has ended" is "$(member state) $(member cause)" "ended daemon-restart"
done

# --- requests that are made again
first=$($corral session inspect web | sed -n 's/.*"id": "\([^"]*\)".*/\1/p')
session create --name web --idempotency-key web-key --ttl 1h --label team=red
check "a request under a key that is known makes no second session" printed "$first"
session create --name late --idempotency-key late-key
check "not for the last one either" tells late state ended
session create --name other --idempotency-key late-key
check "another request under that key is refused" failed 1 '--idempotency-key'
check "and no session runs" is "$(sandboxes)$($corral session list -q)" ""

# --- names
session create --name still --memory 64MiB
check "a name is free again" is $code 0
session exec still -- echo on
check "and its session is another one, which works" printed on
session pause still
session kill --grace 0s still
check "it can be ended" is $code 0

# --- the daemon whose sockets, locks and log are on the disk
own='--state /srv/own --set user=nobody'
check "the sockets of a daemon before are there" test -S /srv/own/run/corral.sock
# shellcheck disable=SC2086 # One word each.
daemon run --detach $own
check "another daemon starts all the same" is $code 0
# shellcheck disable=SC2086
session wait $own other
check "and its session has ended as daemon-restart" printed daemon-restart

# --- nothing else
for options in "$own" ""; do
    # shellcheck disable=SC2086
    daemon stop --sessions $options
    check "it is ended" is $code 0
done
sh /opt/vm/sums.sh >/tmp/sums
check "nothing else on the disk was touched" cmp -s /srv/sums /tmp/sums
check "$(wc -l </srv/sums) lines about it were compared" test "$(wc -l </srv/sums)" -gt 1000
check "nothing is left" soon is_clean
