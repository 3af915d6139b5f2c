#!/bin/bash
# Runs the tests that need no kernel of their own under the address and the thread sanitizer:
# sanitize.sh [address|thread ...].
set -euo pipefail
cd "$(dirname "$0")/.."

# Package.swift leaves out, for CORRAL_SANITIZE=libraries, what is said here.
cat <<'END'
left out: SandboxTests, EndToEndTests, SoakTests, UnpackTests, CgroupsTests, WardenTests,
          WardenServerTests, CaptureTests, VolumesTests: they start the programs that
          are installed, which are static, or need cgroups; no sanitizer can be linked into what is static
left out: TestSupportTests, ArchitectureTests: about the tests themselves
left out: the sanitizers undefined and leak, which swiftc refuses for this target
END
mkdir -p .build/tmp
failed=0
for sanitizer in "${@:-address thread}"; do
    for kind in $sanitizer; do
        echo "== $kind"
        log=.build/$kind.log
        status=0
        # What a process still has at its end is no finding: XCTest itself leaves 368 bytes.
        TMPDIR=$PWD/.build/tmp CORRAL_SANITIZE=libraries ASAN_OPTIONS=detect_leaks=0 SWIFT_BACKTRACE=enable=no \
            TSAN_OPTIONS="suppressions=$PWD/scripts/thread-sanitizer.txt" \
            swift test --sanitize="$kind" --scratch-path ".build/$kind" --disable-xctest \
            </dev/null >"$log" 2>&1 || status=$?
        grep -aE '✘|ERROR: (Address|Thread)Sanitizer|WARNING: ThreadSanitizer|SUMMARY: |error:' "$log" | head -n 40 || true
        grep -aE 'Test run with' "$log" || true
        grep -aE '➜.* skipped|^skipped:' "$log" | sort -u || true
        if [ "$status" -ne 0 ] || grep -qa 'WARNING: ThreadSanitizer' "$log"; then
            echo "sanitize: $kind found something (exit code $status); see $log"
            failed=1
        fi
    done
done
exit "$failed"
