import CLinux
import Glibc
import Linux

/// A program to measure, and its times in nanoseconds.
private struct Candidate {
    let name: String
    let words: [String]
    var times: [UInt64] = []
}

/// Measures the time from the start of each program to the reaping of it.
///
/// All programs are run in turn, round by round, so that whatever else the machine does hits
/// them alike; each round begins with another one, so that none always follows the same.
func launchBenchmark(_ words: [String]) throws {
    let options = try LaunchOptions(parsing: words)
    var candidates = options.commands.filter { works($0, warmup: options.warmup) }
        .map { Candidate(name: $0.name, words: $0.words) }
    if candidates.isEmpty { throw LaunchOptions.Problem("none of the programs ran") }
    for round in 0..<options.rounds {
        for turn in candidates.indices {
            let index = (round + turn) % candidates.count
            candidates[index].times.append(try time(candidates[index].words, quiet: true))
        }
    }
    let rows = candidates.map { Row(name: $0.name, times: $0.times) }
    print(table(rows, options), terminator: "")
    if let path = options.json { try writeJSON(rows, options, to: path) }
}

/// Runs a program to warm it up; one that fails says why on standard error and is left out.
private func works(_ command: LaunchOptions.Command, warmup: Int) -> Bool {
    do {
        for turn in 0..<max(1, warmup) { _ = try time(command.words, quiet: turn > 0) }
        return true
    } catch {
        complain("\(command.name) is left out: \(error)")
        return false
    }
}

/// Runs a program once and returns nanoseconds until it was reaped.
/// - Parameter quiet: false lets it write to our standard error.
/// - Throws: what kept it from starting, or how it ended when not with status 0.
private func time(_ words: [String], quiet: Bool) throws -> UInt64 {
    let null = FileDescriptor(
        owning: try call("open", on: "/dev/null") { unsafe open("/dev/null", O_RDWR | O_CLOEXEC) })
    let descriptors = [null.number, null.number, quiet ? null.number : 2]
    let argv = unsafe words.map { unsafe strdup($0) } + [nil]
    defer { unsafe argv.forEach { unsafe free($0) } }
    var status: CInt = 0
    let begin = now()
    // Safety: both arrays outlive the call, which keeps no pointer.
    let pid = try unsafe argv.withUnsafeBufferPointer { (arguments) throws(SystemError) in
        try unsafe descriptors.withUnsafeBufferPointer { (numbers) throws(SystemError) in
            var program = unsafe clinux_program()
            unsafe program.path = unsafe UnsafePointer(arguments[0])
            unsafe program.argv = arguments.baseAddress
            unsafe program.envp = unsafe UnsafePointer(environ)
            unsafe program.fds = numbers.baseAddress
            unsafe program.fd_count = numbers.count
            return try call("posix_spawn", on: words[0]) { unsafe clinux_spawn(&program) }
        }
    }
    _ = try call("waitpid", on: words[0]) { unsafe waitpid(pid, &status, 0) }
    let elapsed = now() - begin
    // See wait(2): the low seven bits are the signal, the next byte is the exit status.
    if status != 0 {
        let end = status & 0x7f == 0 ? "exited with status \(status >> 8)" : "died of signal \(status & 0x7f)"
        throw LaunchOptions.Problem("\(words[0]) \(end)")
    }
    return elapsed
}

private func now() -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
