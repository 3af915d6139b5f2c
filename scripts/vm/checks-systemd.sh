#!/bin/sh
# Corral as services of systemd, which is process 1 of the machine by now (init.sh has become it): the units,
# users and directories as they are installed. The last part; it switches the machine off.
# shellcheck source=scripts/vm/lib.sh
. /opt/vm/lib.sh

session() {
    $corral session "$@" >/tmp/out 2>$report
    code=$?
}
control() {
    systemctl "$@" >/tmp/out 2>$report
    code=$?
}
tells() {
    session inspect "$1"
    [ "$(member "$2")" = "$3" ]
}
active() { [ "$(systemctl is-active "$1")" = active ]; }
property() { systemctl show --property "$2" --value "$1"; }
main() { property "$1" MainPID; }
# Another one than $2 runs as $1.
is_another() {
    pid=$(main "$1")
    [ "$pid" -gt 1 ] && [ "$pid" != "$2" ] && active "$1"
}
no_corrald() { ! pidof corrald >/dev/null; }
no_init() { ! pidof sandbox-init >/dev/null; }
no_sandbox() { [ -z "$(sandboxes)" ]; }
# What the doctor says of systemd.
doctor() {
    $corral doctor systemd >/tmp/out 2>$report
    code=$?
}
well() { said_out 'ok       systemd' && said_out "$1"; }
warned() { said_out 'warning  systemd' && said_out "$1" && said_out "cure: $2"; }
answers() { daemon status && said_out 'status    ok'; }
line() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"; }
mode() { stat -c '%a %U:%G' "$1"; }
unit=$groups/system.slice/corral-warden.service

check "systemd is process 1" is "$(cat /proc/1/comm)" systemd
echo "it is $(systemctl --version | head -n 1)"

# --- users and directories, as on a machine where Corral was never started
rm -rf /var/lib/corral /run/corral /etc/corral
sed -i '/^corral:/d' /etc/passwd /etc/group
check "there is no user corral (control)" is "$(id -u corral 2>/dev/null)" ""
systemd-sysusers corral.conf >/tmp/out 2>$report
check "sysusers makes the user corral, with the group" is "$(id -gn corral 2>>$report)" corral
check "who is not root" test "$(id -u corral)" -gt 0
systemd-tmpfiles --create corral.conf >/tmp/out 2>$report
check "tmpfiles makes the state directory" is "$(mode /var/lib/corral)" "710 root:corral"
check "and what is in it" is "$(mode /var/lib/corral/daemon) $(mode /var/lib/corral/warden)" \
    "700 corral:corral 700 root:root"

# --- the first request
doctor
check "the doctor says that the units are not started" well 'has units, and corral.socket is not started'
control start corral.socket
check "the socket starts" is $code 0
check "it is for the group" is "$(mode /run/corral/corral.sock)" "660 root:corral"
check "and nothing else runs" is "$(pidof corrald corral-warden)" ""
daemon status
check "the first request starts the daemon, and is answered" said_out 'status    ok'
check "both services are active" active corral.service
check "by their own word" is "$(property corral.service SubState) $(property corral-warden.service SubState)" \
    "running running"
corrald=$(main corral.service)
warden=$(main corral-warden.service)
check "corrald is the user corral" is "$(line "$corrald" Uid | cut -f 1)" "$(id -u corral)"
check "without a capability, with a filter, and gets none" \
    is "$(line "$corrald" CapBnd) $(line "$corrald" Seccomp) $(line "$corrald" NoNewPrivs)" "0000000000000000 2 1"
check "the warden is root without a filter, which its sandboxes would have as well" \
    is "$(line "$warden" Uid | cut -f 1) $(line "$warden" Seccomp)" "0 0"
check "clients see corrald at the other end of the socket" said_out "(pid $corrald)"
check "its status is for whoever looks" begins "$(property corral.service StatusText)" "0 of 1000 sessions"
check "only the main processes may speak for them" \
    is "$(property corral.service NotifyAccess) $(property corral-warden.service NotifyAccess)" "main main"

doctor
check "the doctor says that both run from their units" well 'keeps corrald and the warden, each in its unit'

# --- a session
session create --name web --memory 64MiB --pids 20 --cpus 0.5
check "a session is made" is $code 0
group=$(sandboxes | grep corral-session-)
check "its cgroup is below that of the warden's unit" is "$(dirname "$(dirname "$group")")" "$unit"
check "with its limits" is "$(cat "$group/memory.max" "$group/pids.max" "$group/cpu.max" | tr '\n' ' ')" \
    "67108864 20 50000 100000 "
check "the warden has moved out of its way" is "$(cat "/proc/$warden/cgroup")" \
    "0::/system.slice/corral-warden.service/corral-supervisor"
session inspect web
for name in memory swap pids cpu; do
    check "under systemd a session's layer $name is in force" said_out "\"$name\": \"in force\""
done
session exec web -- sh -c 'echo $NOTIFY_SOCKET$LISTEN_FDS$WATCHDOG_USEC$LISTEN_PID; id -u'
check "a program in it knows nothing of the manager" printed "
1000"
# shellcheck disable=SC2154 # Of lib.sh: eat.
session exec web -- sh -c "$eat"
check "a process above memory.max is killed" is $code 137
check "systemd leaves the unit alone for it" is "$(main corral-warden.service)" "$warden"
session exec web -- echo on
check "and the session goes on" printed on

# --- a volume, which takes a loop device, a file system and mounts
for name in libcrc32c zstd_compress xor raid6_pq btrfs; do
    if ! grep -q "^$name " /proc/modules; then insmod "/opt/vm/$name.ko"; fi
done
$corral workspace create --disk 64MiB data >/tmp/out 2>$report
code=$?
check "a workspace is made, in the unit" is $code 0
session create --name files --workspace data
check "a session has it" is $code 0
mkdir -p /tmp/tree/below && echo inside >/tmp/tree/below/file
$corral cp /tmp/tree files:tree >/tmp/out 2>$report
code=$?
check "a tree is copied in, which an unpacker does under corrald's filter" is $code 0
session exec files -- cat tree/below/file
check "and is there" printed inside
session exec files -- sh -c 'dd if=/dev/zero of=big bs=1M count=100'
check "its limit holds" is $code 1
session exec files -- rm big
check "what filled it is removed" is $code 0
# The machine's root protects what is in it, and its top directory, which it sees by the init of the sandbox.
session exec files -- pwd
top=$(cat /tmp/out)
files=$(sandboxes | grep corral-session- | grep -vxF "$group")
inside=/proc/$(head -n 1 "$files/cgroup.procs")/root$top
# As soon as the file system counts what was removed no more.
check "root protects a file, a directory and the top of the workspace" \
    soon chattr +i "$inside/tree/below/file" "$inside/tree/below" "$inside"
rm -f "$inside/tree/below/file" 2>$report
check "which not even root removes then (control)" test -e "$inside/tree/below/file"
session kill --grace 0s files
check "that session is ended" is $code 0
removed() { $corral workspace rm data >/tmp/out 2>$report; }
check "the workspace is removed all the same" soon removed
$corral workspace inspect data >/tmp/out 2>$report
check "and is gone" test $? -ne 0
check "the warden has the capability for that, which is number 9" \
    is $(($(printf '%d' "0x$(line "$warden" CapEff)") >> 9 & 1)) 1

# --- restarts
control restart corral.service
check "corrald is restarted" is $code 0
check "it is another process" is_another corral.service "$corrald"
check "the warden is the same" is "$(main corral-warden.service)" "$warden"
session exec web -- echo on
check "the session goes on" printed on
corrald=$(main corral.service)
kill -KILL "$corrald"
check "corrald that was killed is started again" soon is_another corral.service "$corrald"
check "and answers" soon answers
check "its session goes on" tells web state running
control stop corral.service
check "corrald is stopped" soon no_corrald
session exec web -- echo again
check "the next request starts it, which finds its session" printed again

# --- the configuration
mkdir -p /etc/corral
echo 'limits: { processes: 32 }' >/etc/corral/corral.yaml
corrald=$(main corral.service)
control reload corral.service
check "reload is done" is $code 0
check "by the same process" is "$(main corral.service)" "$corrald"
echo 'limits: { processes: many }' >/etc/corral/corral.yaml
control reload corral.service
check "with a mistake in a file it fails" is $code 1
check "systemd shows which" begins "$(property corral.service StatusText)" "the settings stay as they are: "
check "and corrald goes on" is "$(main corral.service) $(systemctl is-active corral.service)" "$corrald active"
rm -r /etc/corral

# --- the watchdog
mkdir -p /run/systemd/system/corral.service.d
printf '[Service]\nWatchdogSec=20\n' >/run/systemd/system/corral.service.d/watchdog.conf
systemctl daemon-reload
systemctl restart corral.service
corrald=$(main corral.service)
sleep 25
doctor
check "the doctor names a drop-in" well 'drop-ins change corral.service'
check "within its period corrald gives signs of life (control)" is "$(main corral.service)" "$corrald"
kill -STOP "$corrald"
waited=0
while [ $waited -lt 4 ] && ! soon is_another corral.service "$corrald"; do waited=$((waited + 1)); done >/dev/null
check "corrald that stands still is started again" is_another corral.service "$corrald"
journalctl -b --no-pager -u corral.service >/tmp/out 2>$report
check "because of the watchdog" grep -q 'Watchdog timeout' /tmp/out
check "and answers" soon answers
session exec web -- echo on
check "the session goes on" printed on
rm -r /run/systemd/system/corral.service.d
doctor
check "the doctor finds a unit that changed since systemd read it" warned 'corral.service changed on disk' \
    'systemctl daemon-reload && systemctl restart corral.service (sessions go on)'
systemctl daemon-reload
doctor
check "and that it was read again" well 'each in its unit'
mkdir -p /etc/systemd/system
sed 's/^Description=.*/Description=another/' /usr/local/lib/systemd/system/corral.service \
    >/etc/systemd/system/corral.service
systemctl daemon-reload
doctor
check "the doctor finds a unit in the place of the installed one" warned \
    'that of /etc/systemd/system/corral.service' 'systemctl revert corral.service'
rm /etc/systemd/system/corral.service
systemctl daemon-reload
marks() {
    python3 -c 'import os, sys
for name in ("trusted.delegate", "user.delegate"):
    if sys.argv[2] == "off": os.removexattr(sys.argv[1], name)
    else: os.setxattr(sys.argv[1], name, b"1")' "$unit" "$1"
}
marks off
doctor
check "the doctor finds a unit whose cgroup is not delegated" warned 'corral-warden.service has no delegated cgroup' \
    'Delegate=yes by systemctl edit corral-warden.service'
marks on
doctor
check "and one whose cgroup is" well 'each in its unit'

# --- the warden
control stop corral-warden.service
check "the warden is stopped" is $code 0
check "every sandbox has ended" soon no_init
check "and corrald with it" soon no_corrald
no_group() { [ -z "$(find $groups -type d -name '*corral*' ! -name corral.socket)" ]; }
check "no cgroup is left of either" soon no_group
daemon status
check "the next request starts both" said_out 'status    ok'
check "the session has ended" tells web state ended
check "as daemon-restart" tells web cause daemon-restart
session create --name second
check "another one is made" is $code 0
warden=$(main corral-warden.service)
kill -KILL "$warden"
check "a warden that was killed is started again" soon is_another corral-warden.service "$warden"
check "and corrald with it, which answers" soon answers
check "the session has ended with it" tells second cause daemon-restart
check "nothing of it is left" soon no_sandbox
daemon run --detach
check "a second daemon is refused beside the service" failed 1 'another corrald has the state directory'

# --- the end
daemon stop --sessions
check "corral daemon stop --sessions ends both" said_out 'all has ended'
check "which is no failure" is "$(property corral.service Result) $(property corral-warden.service Result)" \
    "success success"
control stop corral.socket corral.service corral-warden.service
check "everything is stopped" is $code 0
daemon run --detach
check "a daemon is started by hand" is $code 0
doctor
check "the doctor finds that it runs beside its units" warned 'the warden runs in checks.service' \
    'corral daemon stop --sessions && systemctl enable --now'
daemon stop --sessions
check "it is stopped" said_out 'all has ended'
check "under systemd nothing is left" soon is_clean

# --- an ordinary user's, under a manager of that user's
# Without logins: there is neither PAM nor logind here, which would make the directory for sockets, nor D-Bus, by which
# systemd asks logind for its size. The manager itself, its cgroup and what it delegates are as they are elsewhere.
mkdir -p /run/systemd/system/user@1000.service.d /run/systemd/system/user-runtime-dir@1000.service.d
printf '[Service]\nPAMName=\nEnvironment=XDG_RUNTIME_DIR=/run/user/1000\n' \
    >/run/systemd/system/user@1000.service.d/checks.conf
printf '[Service]\nExecStart=\nExecStart=install -d -m 700 -o plain -g plain /run/user/1000\nExecStop=\n' \
    >/run/systemd/system/user-runtime-dir@1000.service.d/checks.conf
systemctl daemon-reload
control start user@1000.service
check "an ordinary user's manager starts" is $code 0
# shellcheck disable=SC2016 # Expanded by the inner shell.
plain() {
    XDG_RUNTIME_DIR=/run/user/1000 su -c 'exec "$@"' -- plain sh "$@" >/tmp/out 2>$report
    code=$?
}
theirs() {
    plain systemctl --user show --property "$2" --value "$1"
    cat /tmp/out
}
both_active() { [ "$(theirs corral.service ActiveState) $(theirs corral-warden.service ActiveState)" = "active active" ]; }
answers_plain() { plain $corral daemon status && said_out 'status    ok'; }
plain systemctl --user start corral.socket
check "the user's socket starts" is $code 0
check "and is the user's alone" is "$(mode /run/user/1000/corral/corral.sock)" "600 plain:plain"
plain $corral daemon status
check "user: the first request starts the daemon, and is answered" said_out 'status    ok'
check "user: both services are active" both_active
corrald=$(theirs corral.service MainPID)
warden=$(theirs corral-warden.service MainPID)
check "user: both are the user's, corrald with a filter" \
    is "$(line "$corrald" Uid | cut -f 1) $(line "$warden" Uid | cut -f 1) $(line "$corrald" Seccomp)" "1000 1000 2"
plain $corral session create --name mine --memory 64MiB --pids 20 --cpus 0.5
check "user: a session is made" is $code 0
unit=$groups/user.slice/user-1000.slice/user@1000.service/app.slice/corral-warden.service
group=$(sandboxes | grep corral-session-)
check "user: its cgroup is below that of the warden's unit" is "$(dirname "$(dirname "$group")")" "$unit"
check "user: with its limits" is "$(cat "$group/memory.max" "$group/pids.max" "$group/cpu.max" | tr '\n' ' ')" \
    "67108864 20 50000 100000 "
plain $corral session exec mine -- sh -c 'echo $NOTIFY_SOCKET$LISTEN_FDS$WATCHDOG_USEC; id -u'
check "user: a program in it knows nothing of the manager" printed "
1000"
plain $corral session pause mine
check "user: it can be paused" printed mine
plain $corral session resume mine
plain $corral doctor systemd
check "user: the doctor says that both run from their units" well 'keeps corrald and the warden, each in its unit'
plain systemctl --user restart corral.service
check "user: corrald is restarted" is $code 0
check "user: the warden is the same" is "$(theirs corral-warden.service MainPID)" "$warden"
plain $corral session exec mine -- echo on
check "user: the session goes on" printed on
plain systemctl --user reload corral.service
check "user: reload is done" is $code 0
kill -KILL "$warden"
another_warden() { [ "$(theirs corral-warden.service MainPID)" != "$warden" ] && both_active; }
check "user: a warden that was killed is started again" soon another_warden
check "user: and corrald with it, which answers" soon answers_plain
plain $corral session inspect mine
check "user: the session has ended with it" is "$(member state) $(member cause)" "ended daemon-restart"
plain $corral daemon stop --sessions
check "user: corral daemon stop --sessions ends both" said_out 'all has ended'
control stop user@1000.service
check "the user's manager is stopped" is $code 0
check "user: nothing is left" soon is_clean

journalctl -b --no-pager -u corral.service -u corral-warden.service -u corral.socket >/dev/ttyS0 2>&1
journalctl -b --no-pager -u user@1000.service >/dev/ttyS0 2>&1
echo "done"
sync
busybox poweroff -f
