import CYardstick
import Glibc
import Linux

/// A process that the benchmark started.
struct Child {
    let pid: pid_t

    /// - Parameters:
    ///   - descriptors: become its descriptors 0, 1 and so on.
    ///   - pin: the processor that it runs on; nil for any.
    init(_ words: [String], _ descriptors: [CInt], pin: Int?) throws {
        guard let path = words.first.flatMap(found) else {
            throw Options.Problem("\(words.first ?? "") is not installed")
        }
        // Whatever is started inherits the processors.
        _ = try call("sched_setaffinity") { yardstick_pin(CInt(pin ?? -1)) }
        defer { _ = yardstick_pin(-1) }
        pid = try PreparedProgram([path] + words.dropFirst(), descriptors).start()
    }

    /// Nanoseconds on a processor, of all its threads (proc(5), schedstat).
    func processorTime() throws -> UInt64 { try Child.processorTime(of: pid) }

    /// The same of any process.
    static func processorTime(of pid: pid_t) throws -> UInt64 {
        let tasks = try FileDescriptor.open("/proc/\(pid)/task", O_RDONLY | O_DIRECTORY)
        var sum: UInt64 = 0
        for entry in try tasks.entries() {
            let text = try numbers("/proc/\(pid)/task/\(entry.name)/schedstat")
            sum += text.first ?? 0
        }
        return sum
    }

    /// KiB of memory that is resident.
    func memory() throws -> Int {
        let pages = try numbers("/proc/\(pid)/statm")
        return (pages.dropFirst().first.map(Int.init) ?? 0) * sysconf(Int32(_SC_PAGESIZE)) / 1024
    }

    /// Waits for its end; returns what went wrong.
    func end() throws -> String? {
        var time: UInt64 = 0
        return try end(addingTime: &time)
    }

    /// The same.
    /// - Parameter time: what it and its children took on a processor is added, in nanoseconds.
    func end(addingTime time: inout UInt64) throws -> String? {
        var (status, usage): (CInt, rusage) = (0, rusage())
        _ = try call("wait4") { unsafe wait4(pid, &status, 0, &usage) }
        for part in [usage.ru_utime, usage.ru_stime] {
            time += UInt64(part.tv_sec) * 1_000_000_000 + UInt64(part.tv_usec) * 1000
        }
        return status == 0 ? nil : "a process ended with the wait status \(status)"
    }
}

private func numbers(_ path: String) throws -> [UInt64] {
    let bytes = try FileDescriptor.open(path, O_RDONLY).readAll(limit: 4096)
    return bytes.split { $0 <= 0x20 }.compactMap { UInt64(String(decoding: $0, as: UTF8.self)) }
}

/// The path of a program, as a shell finds it.
func found(_ program: String) -> String? {
    if program.utf8.contains(UInt8(ascii: "/")) { return program }
    let path = unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? ""
    return path.split(separator: ":").map { "\($0)/\(program)" }.first { unsafe access($0, X_OK) == 0 }
}
