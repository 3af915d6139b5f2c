import Glibc
import Linux
import TestSupport
import Testing

/// That the program of the benchmarks measures what it is given and leaves nothing behind. What the
/// figures are says nothing here.
@Suite(
    .enabled(
        if: !Effort.isSanitized, "no programs are built for the sanitizers"))
struct BenchmarksProgramTests {
    private static let benchmarks = Product.path("Benchmarks")

    /// The lines that a benchmark adds to the result.
    private func lines(_ words: [String]) throws -> (lines: [String], errors: String) {
        let directory = try TemporaryDirectory()
        let result = directory("lines")
        let outcome = try Program.run(
            [Self.benchmarks, words[0], "--json", result] + words.dropFirst(), timeout: 300)
        try #require(outcome.status == 0, "\(outcome.errors)")
        return ((File.text(result) ?? "").split(separator: "\n").map(String.init), outcome.errors)
    }

    @Test func `programs that work are measured, the others are named with their reason`() throws {
        let (lines, errors) = try lines(
            ["launch", "--rounds", "3", "--warmup", "1", "--relative-to", "true"]
                + ["--command", "true", "--", "/bin/true", "--command", "fails", "--", "/bin/false"]
                + [
                    "--command", "missing", "--", "/no/such", "--command", "shell", "--", "/bin/sh", "-c",
                    "exit",
                ])
        #expect(lines.count == 6)
        let measured = lines.filter { $0.contains(#""samples":3,"values":{"min":"#) }
        #expect(measured.count == 4)
        for name in ["launch", "launch cpu"] {
            let own = measured.filter { $0.hasPrefix(#"{"name":"\#(name)/"#) }
            #expect(own.count == 2 && own.allSatisfy { $0.contains(#""relativeTo":"\#(name)/true""#) })
            #expect(own.contains { $0.contains(#""name":"\#(name)/shell""#) })
        }
        #expect(lines.contains(#"{"leftOut":"fails","reason":"/bin/false exited with status 1"}"#))
        #expect(lines.contains { $0.hasPrefix(#"{"leftOut":"missing","reason":"posix_spawn"#) })
        #expect(errors.contains("fails is left out"))
    }

    @Test(.enabled(if: Host.isRoot, "the floor program makes namespaces without an id map for others"))
    func `the floor program takes its turn, and its mounts are its own`() throws {
        let mounts = File.text("/proc/self/mountinfo")
        let parts = ["base", "general", "ipc", "unix", "network", "openat2"].map {
            Repository.path("profiles/seccomp/\($0).json")
        }
        let (lines, errors) = try lines(
            ["launch", "--rounds", "5", "--warmup", "2", "--command", "true", "--", "/bin/true"]
                + ["--floor", "floor", "--"] + parts)
        #expect(lines.count == 3, "\(errors)")
        #expect(
            lines.contains { $0.hasPrefix(#"{"name":"launch/floor","unit":"ms","samples":5"#) }, "\(lines)")
        #expect(File.text("/proc/self/mountinfo") == mounts)
        #expect(!File.exists("/tmp/root"))
    }

    @Test func `a floor program that cannot start is left out`() throws {
        let (lines, _) = try lines(
            ["launch", "--rounds", "2", "--warmup", "1", "--command", "true", "--", "/bin/true"]
                + ["--floor", "floor", "--", "/no/such/policy"])
        #expect(lines.count == 3)
        #expect(lines.contains { $0.hasPrefix(#"{"leftOut":"floor","reason":"#) }, "\(lines)")
    }

    @Test func `launches are measured beside programs that idle, which end with the benchmark`() throws {
        let idle = Idle()
        let (lines, _) = try lines(
            ["curve", "--rounds", "2", "--warmup", "1", "--counts", "1,3"]
                + ["--command", "true", "--", "/bin/true", "--idle", "sleeper", "--"] + idle.words)
        let names = lines.compactMap { $0.split(separator: "\"").dropFirst(3).first.map(String.init) }
        #expect(
            names == [
                "beside sleeper/true/0", "beside sleeper cpu/true/0", "memory/sleeper/1",
                "beside sleeper/true/1", "beside sleeper cpu/true/1", "memory/sleeper/3",
                "beside sleeper/true/3", "beside sleeper cpu/true/3",
            ])
        // Each member of the crowd is one process of that name.
        #expect(lines.filter { $0.hasPrefix(#"{"name":"memory"#) }.allSatisfy { $0.contains(#""sleep":"#) })
        #expect(eventually { idle.processes.isEmpty })
    }

    @Test func `a benchmark that is killed takes what idles with it`() throws {
        let idle = Idle()
        let directory = try TemporaryDirectory()
        // What is measured hangs from the moment on that something idles.
        let launch = "while [ -e \(directory.path)/some ]; do sleep 0.05; done"
        let run = try Program(
            [Self.benchmarks, "curve", "--rounds", "1", "--warmup", "1", "--counts", "4"]
                + ["--command", "loop", "--", "/bin/sh", "-c", launch, "--idle", "sleeper", "--"]
                + ["/bin/sh", "-c", "touch \(directory.path)/some; \(idle.script)"]
        ).start()
        #expect(eventually(within: 60) { idle.processes.count == 4 })
        try run.signal(SIGKILL)
        _ = try run.wait(timeout: 60)
        #expect(eventually { idle.processes.isEmpty })
    }

    @Test func `rates are of what ended in the time, and every launch has a number of its own`() throws {
        let directory = try TemporaryDirectory()
        let (lines, _) = try lines(
            ["sustained", "--seconds", "1", "--counts", "1,2", "--relative-to", "touch"]
                + ["--command", "touch", "--", "/usr/bin/touch", directory("{}")])
        let names = lines.compactMap { $0.split(separator: "\"").dropFirst(3).first.map(String.init) }
        #expect(
            names == [
                "sustained/touch/1", "sustained/touch/1/times", "sustained/touch/2",
                "sustained/touch/2/times",
            ])
        let files = File.names(in: directory.path)
        #expect(files.contains("1-1") && files.contains("2-1") && files.contains("2-2"), "\(files.count)")
    }

    @Test(arguments: [
        ["launch"], ["launch", "--rounds"], ["launch", "--rounds", "0", "--command", "a", "--", "b"],
        ["launch", "--command", "a", "b"], ["launch", "--command", "a", "--"], ["launch", "--color", "red"],
        ["sustained", "--counts", "1,x", "--command", "a", "--", "b"], ["relay", "--only", "color"],
    ])
    func `options that make no sense are refused`(words: [String]) throws {
        let outcome = try Program.run([Self.benchmarks] + words)
        #expect(outcome.status == 1)
        #expect(outcome.errors.hasPrefix("Benchmarks \(words[0]): "), "\(outcome.errors)")
    }
}

/// A program that says that it runs and then idles, found by a number that no other test's has.
private struct Idle {
    private let mark = "\(Int.random(in: 3_000_000...3_999_999))"

    var script: String { "echo running; exec sleep \(mark)" }
    var words: [String] { ["/bin/sh", "-c", script] }

    /// The processes of it.
    var processes: [String] {
        File.names(in: "/proc").filter { pid in
            Int(pid) != nil && File.text("/proc/\(pid)/cmdline") == "sleep\0\(mark)\0"
        }
    }
}
