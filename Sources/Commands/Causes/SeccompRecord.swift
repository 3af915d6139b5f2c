import Sandbox

/// What the kernel's log says about one system call that a seccomp filter killed for (audit record 1326,
/// `audit_seccomp` of the kernel's auditsc.c).
package struct SeccompRecord: Hashable, Sendable {
    /// On CLOCK_REALTIME, in milliseconds.
    let time: UInt64
    let uid: UInt32
    /// AUDIT_ARCH_* of linux/audit.h.
    let architecture: UInt32
    package let call: Int32

    /// - Parameter line: one record as /dev/kmsg gives it: `PRIORITY,NUMBER,TIME,FLAGS;MESSAGE`.
    ///
    /// Nothing that a program can choose gets into the fields: what it is called (`comm`, `exe`) is
    /// quoted without spaces, or in hexadecimal, and only the kernel begins a message with `audit:`
    /// where /dev/kmsg is the root's.
    package init?(line: String) {
        guard let start = line.utf8.firstIndex(of: UInt8(ascii: ";")) else { return nil }
        let message = line[line.utf8.index(after: start)...].prefix { $0 != "\n" }
        let head = "audit: type=1326 audit("
        guard message.utf8.starts(with: head.utf8) else { return nil }
        let words = message.utf8.dropFirst(head.utf8.count).split(separator: UInt8(ascii: " ")).map {
            String(Substring($0))
        }
        var fields: [String: String] = [:]
        for word in words.dropFirst() {
            let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
            if parts.count == 2, fields[parts[0]] == nil { fields[parts[0]] = parts[1] }
        }
        guard let stamp = words.first.flatMap(SeccompRecord.milliseconds),
            let uid = fields["uid"].flatMap({ UInt32($0) }),
            let architecture = fields["arch"].flatMap({ UInt32($0, radix: 16) }),
            let call = fields["syscall"].flatMap({ Int32($0) }), fields["sig"] == "31"
        else { return nil }
        (time, self.uid, self.architecture, self.call) = (stamp, uid, architecture, call)
    }

    /// Of `1795274847.088:524):`.
    private static func milliseconds(_ text: String) -> UInt64? {
        let parts = text.split(separator: ":")
        let numbers = (parts.first ?? "").split(separator: ".")
        guard numbers.count == 2, numbers[1].utf8.count == 3, let seconds = UInt64(numbers[0]),
            let rest = UInt64(numbers[1]), seconds < 1 << 40
        else { return nil }
        return seconds * 1000 + rest
    }
}

/// For which system call the seccomp policy killed a program.
enum SeccompCause: Hashable, Sendable {
    case call(architecture: UInt32, number: Int32)
    /// In words.
    case unknown(String)

    /// - Parameters:
    ///   - records: of the sandbox's uid, since the program was started.
    init(_ records: [SeccompRecord]) {
        guard let first = records.first else {
            self = .unknown(
                "the kernel's log has no record of it; it leaves some out when there are many, and writes "
                    + "none where auditd runs, or where a process sent the signal itself")
            return
        }
        // The record's pid is one of the host's, and the program's own is gone. So where several processes
        // of the sandbox were killed for different calls, it is not known which was the program's.
        if records.allSatisfy({ $0.architecture == first.architecture && $0.call == first.call }) {
            self = .call(architecture: first.architecture, number: first.call)
        } else {
            self = .unknown("several processes were killed, for different calls")
        }
    }
}
