#!/bin/sh
# The first half of a loss of power: sessions run, and the machine is cut off. It is started again on the
# same disk, where after-reboot.sh looks what has become of them. Nothing runs after this.
# shellcheck source=scripts/vm/lib.sh
. /opt/vm/lib.sh

ask() { $corral session "$@" >>/tmp/out 2>>$report; }
running() { $corral session processes "$1" | grep -q running; }

daemon run --detach
check "the daemon starts" is $code 0
own='--state /srv/own --set user=nobody'
# shellcheck disable=SC2086 # One word each.
daemon run --detach $own
check "so does one whose sockets are on the disk as well" is $code 0

# What other parts have left on record.
$corral session prune -f >/tmp/out 2>$report

nothing_said
# One that has ended, with what it wrote.
ask create --name finished
ask exec finished -- sh -c 'echo result; echo errors >&2; exit 3'
ask kill --grace 0s finished
# One that runs, with an exec that is over, a process that stays, and one that is started again and again.
ask create --name web --idempotency-key web-key --ttl 1h --label team=red
ask exec web -- sh -c 'echo kept; exit 5'
ask start --name server web sh -c 'echo up; while :; do sleep 1; done'
ask start --name flaky --restart always web sh -c 'sleep 1'
# One that is paused.
ask create --name still
ask start --name sleeper still sleep 100000
ask pause still
# shellcheck disable=SC2086
ask create $own --name other
check "sessions run" soon running web
check "one is paused" is "$($corral session list -q -f state=paused | wc -l)" 1

# What is nobody's business but the canary's. Sums of it, and of everything that is installed.
mkdir -p /srv/canary
for i in 1 2 3 4 5 6 7 8; do head -c 100000 /dev/urandom >/srv/canary/$i; done
sh /opt/vm/sums.sh >/srv/sums
cp /proc/sys/kernel/random/boot_id /srv/boot-id
sync

echo "sessions until now: $($corral session list -a -q | wc -l)"
echo "cut off"
# Until the line is out.
sleep 1

# From here on nothing is on the disk unless somebody saw to it, and nothing can be told.
$corral session create --name late --idempotency-key late-key >/tmp/out 2>$report
$corral session exec late -- sh -c 'echo last words; exit 6' >/tmp/out 2>$report
echo lost >/srv/unsynced
echo b >/proc/sysrq-trigger
sleep 1000
