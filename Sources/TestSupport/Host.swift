import Glibc

/// What this machine can and cannot show, for `.enabled(if:)` and for tests that find out late.
package enum Host {
    package static let isRoot = geteuid() == 0

    /// An ordinary user that tests may run programs as: nobody's account, and no other user's.
    package static let ordinaryUser: UInt32 = 65_534

    /// How many times longer than usual tests wait for things, from `CORRAL_TEST_PATIENCE`: an emulated
    /// machine is that much slower.
    package static let patience: Double = {
        guard let given = unsafe getenv("CORRAL_TEST_PATIENCE") else { return 1 }
        return unsafe max(1, strtod(given, nil))
    }()

    /// Seconds on a clock that never jumps; for measuring, not for dates.
    package static var now: Double {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// Whether somebody listens at the unix socket `path` (`__SO_ACCEPTCON` in /proc/net/unix). A
    /// socket's file is there from bind(2) on; who connects before listen(2) is refused.
    package static func listens(at path: String) -> Bool {
        (File.text("/proc/net/unix") ?? "").split(separator: "\n").contains { line in
            let fields = line.split(separator: " ")
            return fields.count == 8 && fields[3] == "00010000" && fields[7] == path
        }
    }

    /// Whether tmpfs can be mounted with other owners of its files (Linux 6.3), without which nobody but a
    /// sandbox sees the files of one of root's sessions.
    package static let hasIdmappedTmpfs: Bool = {
        var name = utsname()
        guard unsafe uname(&name) == 0 else { return false }
        let release = unsafe withUnsafeBytes(of: name.release) { bytes in
            unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        let numbers = release.split { !$0.isNumber }.prefix(2).compactMap { Int($0) }
        return !numbers.lexicographicallyPrecedes([6, 3])
    }()

    /// Writes one line to standard error saying that a test could not show what it is about.
    ///
    /// `make test` collects these lines; use `.enabled(if:)` where the reason is known before.
    package static func skip(_ why: String, function: StaticString = #function) {
        let line = Array("skipped: \(function): \(why)\n".utf8)
        _ = unsafe line.span.withUnsafeBufferPointer { unsafe write(2, $0.baseAddress, $0.count) }
    }
}

/// Asks `condition` every 5 ms until it holds or `seconds` have passed; returns whether it held. The
/// time is for a machine that is busy with something else.
package func eventually<Failure>(
    within seconds: Double = 60, _ condition: () throws(Failure) -> Bool
) throws(Failure) -> Bool {
    let deadline = Host.now + seconds * Host.patience
    while true {
        if try condition() { return true }
        if Host.now >= deadline { return false }
        usleep(5_000)
    }
}
