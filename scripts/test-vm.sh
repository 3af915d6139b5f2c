#!/bin/bash
# Runs corral, its tests and its attacks on Debian 12's kernel 6.1 with cgroup v2 alone, in an emulated
# machine: test-vm.sh [PART...], where a part is a file of scripts/vm and all is the default.
#
# All that it fetches and makes is in .build/vm. Ends with `N passed, N failed, N skipped`. Where the
# machine or its kernel cannot be had it says SKIPPED and why, and exits 0. A machine that stalls is
# started again, three times in all. Described in docs/vm.md. CORRAL_TEST_ALL=1 runs the long suites as
# well, CORRAL_TEST_FILTER these suites only.
set -euo pipefail
cd "$(dirname "$0")/.."
vm=$PWD/.build/vm
release=6.1.0
parts=("$@")
if [[ ${#parts[@]} -eq 0 ]]; then
    parts=(
        checks-layers checks-limits checks-cgroups checks-ends checks-files checks-users checks-sessions
        checks-clock checks-volumes suites attacks checks-reboot checks-systemd
    )
fi
# In seconds: for the machine; when it is not started again; how long it may be silent, which says
# every 5 s that it is alive.
time_limit=${CORRAL_VM_SECONDS:-2400}
if [[ -n ${CORRAL_TEST_ALL:-} ]]; then time_limit=10800; fi
total_limit=1200
silence_limit=150

skip() {
    echo "SKIPPED: make test-vm: $*"
    exit 0
}

# For what waits for others: downloads.
bounded() { timeout --foreground --kill-after=5 300 "$@"; }

# shellcheck source=scripts/vm/packages.sh
. scripts/vm/packages.sh
# shellcheck source=scripts/vm/files.sh
. scripts/vm/files.sh

# A new machine, with an empty disk.
make_machine() {
    rm -f "$vm"/{results,console,alive,disk,monitor,monitor.log}
    touch "$vm"/{results,console,alive}
    truncate -s 4G "$vm/disk"
    mkfifo "$vm/monitor"
    shown=0
    began=$SECONDS
}

# Starts the machine, for the first time or again: $qemu is its process. Emulated even where the host could
# do better, so that it is the same machine everywhere, and by one thread: with two it stalled (docs/vm.md).
boot() {
    # The first serial line is the console, the second carries results and nothing else, the third says
    # that the machine is alive. A panic, which an NMI makes, tells of all tasks and processors.
    qemu-system-x86_64 -accel tcg,thread=single -cpu max -smp 2 -m 3072 -nodefaults -no-reboot -display none \
        -kernel "$vm/kernel" -initrd "$vm/initrd" \
        -append "console=ttyS0 quiet no_timer_check panic=-1 oops=panic unknown_nmi_panic panic_print=0x41 corral_boot=$1" \
        -drive "file=$vm/disk,if=none,id=disk,format=raw,cache=unsafe" -device nvme,drive=disk,serial=corral \
        -chardev "file,id=console,path=$vm/console,append=on" -serial chardev:console \
        -chardev "file,id=results,path=$vm/results,append=on" -serial chardev:results \
        -chardev "file,id=alive,path=$vm/alive,append=on" -serial chardev:alive \
        -monitor stdio <>"$vm/monitor" >>"$vm/monitor.log" 2>&1 &
    qemu=$!
}

stop() {
    if [[ -n ${qemu:-} ]] && kill -KILL "$qemu" 2>/dev/null; then wait "$qemu" 2>/dev/null || true; fi
    rm -rf "$vm/monitor" "$vm/disk" "$vm/root"
}

# What can be known of a machine that does not go on, in .build/vm/stalled-*.
examine() {
    cp "$vm/console" "$vm/stalled-console-before"
    printf '%s\n' "info status" "info registers -a" "info pic" >"$vm/monitor"
    sleep 3
    # Several times, to see whether a processor goes on.
    printf '%s\n' "info registers -a" >"$vm/monitor"
    sleep 2
    # To the processors that still take one; the panic that follows is on the console.
    printf '%s\n' nmi >"$vm/monitor"
    for _ in $(seq 30); do
        if ! kill -0 "$qemu" 2>/dev/null; then break; fi
        sleep 1
    done
    ps -L -o tid,pcpu,stat,wchan:20,comm -p "$qemu" >"$vm/stalled-threads" 2>/dev/null || true
    cp "$vm/console" "$vm/stalled-console"
    cp "$vm/monitor.log" "$vm/stalled-processors"
    echo "test-vm: what was seen is in .build/vm/stalled-*; of the kernel's end:"
    tail -c +"$(($(stat -c %s "$vm/stalled-console-before") + 1))" "$vm/stalled-console" | tr -d '\r' |
        grep -E 'RIP:|PID:|panic|locked|state:[RD]' | head -n 20 || true
    grep -E '^(CPU#|RIP=|EIP=)' "$vm/stalled-processors" | head -n 8 || true
    stop
}

# Shows results as they come. Sets $end to how the machine ended: off, stalled, late.
follow() {
    local size alive=-1 since=$SECONDS processors=0
    end=
    while [[ -z $end ]]; do
        sleep 1
        if ! kill -0 "$qemu" 2>/dev/null; then
            end=off
        elif ((SECONDS - began > time_limit)); then
            end=late
        elif size=$(stat -c %s "$vm/alive") && ((size > alive)); then
            alive=$size since=$SECONDS
        elif ((SECONDS - since > silence_limit)); then
            end=stalled
        fi
        processors=$(awk '{ print int(($14 + $15) / 100) }' "/proc/$qemu/stat" 2>/dev/null || echo "$processors")
        size=$(stat -c %s "$vm/results")
        if ((size > shown)); then
            tail -c "+$((shown + 1))" "$vm/results" | head -c "$((size - shown))" | tr -d '\r'
            shown=$size
        fi
    done
    echo "test-vm: the machine ran for $((SECONDS - began)) s; the emulator used $processors s of processors"
}

# Whether the machine has cut itself off, to be started again with the disk as it is then.
is_cut_off() { [[ $end == off && $(tail -n 1 "$vm/results" | tr -d '\r') == "cut off" ]]; }

# Counts the results, and says what is wrong with the machine itself.
report() {
    local passed failed skipped
    tr -d '\r' <"$vm/results" >"$vm/results.txt"
    passed=$(grep -c '^passed: ' "$vm/results.txt" || true)
    failed=$(grep -c '^FAILED: ' "$vm/results.txt" || true)
    skipped=$(grep -c '^skipped: ' "$vm/results.txt" || true)
    if [[ $failed -gt 0 || $skipped -gt 0 ]]; then
        echo "== failed and skipped"
        grep -E '^(FAILED|skipped): ' "$vm/results.txt"
    fi
    if [[ $(tail -n 1 "$vm/results.txt") != "done" ]]; then
        failed=$((failed + 1))
        echo "FAILED: the machine comes to the end of its checks (it is $end); its console ends with:"
        tail -n 20 "$vm/monitor.log" "$vm/console" | tr -d '\r'
    fi
    echo "$passed passed, $failed failed, $skipped skipped"
    [[ $failed -eq 0 && $passed -gt 0 ]]
}

main() {
    mkdir -p "$vm" .build/tmp
    export TMPDIR=$PWD/.build/tmp
    scripts/setup.sh build
    if [[ $(uname -m) != x86_64 ]]; then skip "the machine is an x86-64 one, and corral is built for the host"; fi
    scripts/setup.sh vm || skip "there is no qemu-system-x86_64 (see above)"
    fetch
    swift build --build-tests </dev/null
    make_initrd
    trap stop EXIT
    for attempt in 1 2 3; do
        make_machine
        boot first
        follow
        if is_cut_off; then
            boot again
            follow
        fi
        if [[ $end == off ]]; then break; fi
        echo "test-vm: the machine is $end: $(tail -n 1 "$vm/alive" | tr -d '\r')"
        examine
        if [[ $end != stalled ]] || ((SECONDS > total_limit)); then break; fi
        echo "test-vm: attempt $attempt stalled, which is the machine's fault and not that of a check"
    done
    report
}

# At once, so that this file may be edited while it runs.
main; exit
