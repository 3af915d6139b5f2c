import CLinux
import Figures
import Glibc
import Linux
import Seccomp
import Synchronization

/// A policy to measure, and its times in nanoseconds.
private struct MeasuredPolicy {
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
    let options = try Options(parsing: words)
    let results = try Results(options.json)
    var scratch = try ScratchDirectory()
    let directory = try scratch.makeDirectory("filters")
    let compiler = FilterCache(directory: nil, policies: nil)
    let cache = FilterCache(
        directory: try FileDescriptor.open(directory, O_RDONLY | O_DIRECTORY), policies: nil)
    var candidates = try options.neededCommands().map { command in
        let parts = try command.words.map(policyPart)
        return MeasuredPolicy(name: command.name, parts: parts, filter: try cache.filter(parts: parts))
    }
    for round in 0..<options.warmup + options.rounds {
        for turn in candidates.indices {
            let index = (round + turn) % candidates.count
            let parts = candidates[index].parts
            let compile = try time { _ = try compiler.filter(parts: parts) }
            let cached = try time {
                if try cache.filter(parts: parts).origin != .cache {
                    throw Options.Problem("\(candidates[index].name) did not come from the cache")
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
        let sizes = [
            ("calls", Double(filter.allowedCount)), ("instructions", Double(filter.instructionCount)),
        ]
        try results.add(
            Measurement(name: "filter/\(candidate.name)/size", unit: "count", samples: 1, values: sizes))
    }
    let rows = candidates.flatMap { candidate in
        [
            Row(name: "\(candidate.name)/compile", times: candidate.compile),
            Row(name: "\(candidate.name)/from the cache", times: candidate.cached),
            Row(name: "\(candidate.name)/load", times: candidate.load),
        ].compactMap(\.self)
    }
    try results.add(rows, under: "filter", options)
}

/// One file of a policy.
func policyPart(_ path: String) throws -> PolicyPart {
    let file = try FileDescriptor.open(path, O_RDONLY)
    return PolicyPart(file: path, json: try file.readOnce(limit: 1 << 18))
}

private func time(_ body: () throws -> Void) rethrows -> UInt64 {
    let start = monotonicTime()
    try body()
    return monotonicTime() - start
}

/// Nanoseconds of seccomp(2) with a filter, on a thread of its own that ends under it.
private func loadTime(_ filter: CompiledFilter) throws -> UInt64 {
    let result = LoadResult()
    try Thread.start {
        let start = monotonicTime()
        let status = unsafe filter.bytes.withUnsafeBytes { bytes in
            unsafe clinux_load_filter(bytes.baseAddress, UInt16(filter.instructionCount))
        }
        let end = monotonicTime()
        result.value.withLock { $0 = (end - start, status < 0 ? errno : 0) }
    }.join()
    let (duration, error) = result.value.withLock(\.self)
    if error != 0 { throw SystemError("seccomp", nil, Errno(rawValue: error)) }
    return duration
}

private final class LoadResult: Sendable {
    let value = Mutex<(UInt64, CInt)>((0, 0))
}
