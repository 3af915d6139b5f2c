import CLinux
import Glibc
import Linux
import Seccomp
import Synchronization

/// A policy to measure, and its times in nanoseconds.
private struct Candidate {
    let name: String
    let parts: [PolicyPart]
    let filter: CompiledFilter
    var compile: [UInt64] = []
    var cached: [UInt64] = []
    var load: [UInt64] = []
}

/// Measures what a policy costs: compiling it, reading its filter from the cache, and loading the
/// filter, which every exec pays. The words of each `--command` are the files of its parts.
///
/// As in ``launchBenchmark(_:)`` all policies are measured in turn, round by round.
func seccompBenchmark(_ words: [String]) throws {
    let options = try LaunchOptions(parsing: words)
    let directory = try CacheDirectory()
    let compiler = FilterCache(directory: nil, policies: nil)
    let cache = FilterCache(directory: try directory.open(), policies: nil)
    var candidates = try options.commands.map { command in
        let parts = try command.words.map(part)
        return Candidate(name: command.name, parts: parts, filter: try cache.filter(parts: parts))
    }
    for round in 0..<options.warmup + options.rounds {
        for turn in candidates.indices {
            let index = (round + turn) % candidates.count
            let parts = candidates[index].parts
            let compile = try time { _ = try compiler.filter(parts: parts) }
            let cached = try time {
                if try cache.filter(parts: parts).origin != .cache {
                    throw LaunchOptions.Problem("\(candidates[index].name) did not come from the cache")
                }
            }
            let load = try loadTime(candidates[index].filter)
            guard round >= options.warmup else { continue }
            candidates[index].compile.append(compile)
            candidates[index].cached.append(cached)
            candidates[index].load.append(load)
        }
    }
    for candidate in candidates {
        let filter = candidate.filter
        print("\(candidate.name): \(filter.allowedCount) calls, \(filter.instructionCount) instructions")
    }
    let rows = candidates.flatMap { candidate in
        [
            Row(name: "\(candidate.name), compile", times: candidate.compile),
            Row(name: "\(candidate.name), from the cache", times: candidate.cached),
            Row(name: "\(candidate.name), load", times: candidate.load),
        ]
    }
    print(table(rows, options), terminator: "")
    if let path = options.json { try writeJSON(rows, options, to: path) }
}

private func part(_ path: String) throws -> PolicyPart {
    let file = FileDescriptor(owning: try call("open", on: path) { unsafe open(path, O_RDONLY | O_CLOEXEC) })
    return PolicyPart(file: path, json: try file.readOnce(limit: 1 << 18))
}

private func time(_ body: () throws -> Void) rethrows -> UInt64 {
    let start = nanoseconds()
    try body()
    return nanoseconds() - start
}

private func nanoseconds() -> UInt64 {
    var now = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &now)
    return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
}

/// Nanoseconds of seccomp(2) with a filter, on a thread of its own that ends under it.
private func loadTime(_ filter: CompiledFilter) throws -> UInt64 {
    let result = LoadResult()
    try Thread.start {
        let start = nanoseconds()
        let status = unsafe filter.bytes.withUnsafeBytes { bytes in
            unsafe clinux_load_filter(bytes.baseAddress, UInt16(filter.instructionCount))
        }
        let end = nanoseconds()
        result.value.withLock { $0 = (end - start, status < 0 ? errno : 0) }
    }.join()
    let (duration, error) = result.value.withLock(\.self)
    if error != 0 { throw SystemError("seccomp", nil, Errno(rawValue: error)) }
    return duration
}

private final class LoadResult: Sendable {
    let value = Mutex<(UInt64, CInt)>((0, 0))
}

/// A directory for filters that ends with the benchmark.
private struct CacheDirectory: ~Copyable {
    let path: String

    init() throws(SystemError) {
        var template = Array("/tmp/corral-bench-seccomp.XXXXXX".utf8CString)
        var span = template.mutableSpan
        let made = unsafe span.withUnsafeMutableBufferPointer { buffer in
            unsafe buffer.baseAddress.flatMap { unsafe mkdtemp($0) }.map { unsafe String(cString: $0) }
        }
        guard let made else { throw SystemError("mkdtemp", "/tmp", Errno(rawValue: errno)) }
        path = made
    }

    borrowing func open() throws(SystemError) -> FileDescriptor {
        try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY)
    }

    deinit {
        if let names = try? FileDescriptor.open(path, O_RDONLY | O_DIRECTORY).entries() {
            for entry in names { unsafe unlink("\(path)/\(entry.name)") }
        }
        unsafe rmdir(path)
    }
}
