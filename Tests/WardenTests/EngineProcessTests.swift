// Processes in sandboxes that stay: by the engine, with the real kernel.

import CLinux
import Glibc
import Linux
import Preparation
import Sandbox
import TestSupport
import Testing
import WardenProtocol

@testable import Warden

@Suite(.enabled(if: Host.isRoot, "needs root"), .timeLimit(.minutes(20)))
struct EngineProcessTests {
    @Test func `processes come and go and the sandbox stays`() throws {
        let bench = try EngineBench()
        let id = try bench.sandbox()
        let first = try bench.run(["sh", "-c", "echo one; echo two >&2; exit 7"], in: id)
        #expect(first.status == .exited(7) && first.text == "one\ntwo\n")
        let second = try bench.run(["id", "-u"], in: id)
        #expect(second.status == .exited(0) && second.text == "1000\n")
        // They share what is the sandbox's.
        _ = try bench.run(["sh", "-c", "echo kept >/workspace/file"], in: id)
        #expect(try bench.run(["cat", "/workspace/file"], in: id).text == "kept\n")
        let end = try bench.kill(id)
        #expect(end.cause == .operator)
        try bench.clear()
    }

    @Test func `several run at once, and each has its own exit`() throws {
        let bench = try EngineBench()
        let id = try bench.sandbox()
        let all = try (0..<20).map { number in
            try bench.start(.arguments(["sh", "-c", "sleep 0.0\(number % 5); exit \(number)"]), in: id)
        }
        for (number, process) in all.enumerated() {
            #expect(try bench.finish(process).status == .exited(Int32(number)))
        }
        try bench.clear()
    }

    @Test func `variables and directories are the profile's, then the session's, then the process's`() throws
    {
        let bench = try EngineBench()
        let id = try bench.sandbox([
            .variable(.init(name: "A", value: "session")), .variable(.init(name: "B", value: "session")),
        ])
        let told = try bench.run(
            ["sh", "-c", "echo $A $B $C $HOME; pwd"], in: id, environment: ["B=process", "C=process"])
        #expect(told.text == "session process process /home\n/workspace\n")
        #expect(try bench.run(["pwd"], in: id, directory: "/tmp").text == "/tmp\n")
        try bench.clear()
    }

    @Test func `what cannot be started is said, and the sandbox stays`() throws {
        let bench = try EngineBench()
        let id = try bench.sandbox()
        for (words, directory, reason) in [
            (["no-such-program"], nil, StartProblem.Reason.notFound),
            (["/etc/passwd"], nil, .notExecutable), (["true"], "/no/such/place", .directory),
        ] as [([String], String?, StartProblem.Reason)] {
            let process = try bench.start(.arguments(words), in: id, directory: directory)
            try bench.wait("it fails") { $0.problem(of: process.key) != nil }
            #expect(bench.problem(of: process.key)?.reason == reason)
        }
        #expect(try bench.run(["true"], in: id).status == .exited(0))
        try bench.clear()
    }

    @Test(arguments: ["/proc/self/fd/3", "/proc", "/a/../b", "relative", "/a//b"])
    func `a directory that could lead elsewhere is refused`(directory: String) throws {
        let bench = try EngineBench()
        let id = try bench.sandbox()
        let refused = try refusal {
            _ = try bench.start(.arguments(["true"]), in: id, directory: directory)
        }
        #expect(refused.code == .order && refused.sentence.hasPrefix("directory: "))
        try bench.clear()
    }

    // MARK: Programs for a shell

    @Test func `a program of 8 MiB runs as sh -c would have it`() throws {
        let bench = try EngineBench()
        let id = try bench.sandbox()
        let head = "#!/bin/sh\nread line; echo \"0=$0 1=$1 stdin=$line\"\nls /proc/self/fd | wc -l\n"
        let tail = "echo end; exit 9\n"
        let filling = String(repeating: "# \(String(repeating: "x", count: 1021))\n", count: 8190)
        let script = head + filling + tail
        #expect(script.utf8.count > 8_380_000)
        let process = try bench.start(.shell(script, ["name", "first"]), in: id, stdin: true)
        try process.input?.value.writeAll(Array("from the caller\n".utf8))
        let told = try bench.finish(process)
        // 0, 1, 2 and the one that ls has open.
        #expect(told.text == "0=name 1=first stdin=from the caller\n4\nend\n")
        #expect(told.status == .exited(9))
        try bench.clear()
    }

    @Test(
        arguments: [
            ("echo $0 $#", [], "sh 0\n"), ("echo \"$0\" \"$1\" \"$2\"", ["a", "b c", "d"], "a b c d\n"),
            ("", [], ""), ("cat <<E\nhere $0\nE\n", [], "here sh\n"), ("echo a; # b", [], "a\n"),
            ("set -e; false; echo no", [], ""), ("if true; then\necho a; fi", [], "a\n"),
            ("trap 'echo bye' EXIT; exit 3", [], "bye\n"), ("x=1; f() { x=2; }; f; echo $x", [], "2\n"),
        ] as [(String, [String], String)])
    func `a short program says the same as with sh -c`(
        script: String, words: [String], expected: String
    ) throws {
        let bench = try EngineBench()
        let id = try bench.sandbox()
        let given = try bench.finish(bench.start(.shell(script, words), in: id))
        let other = try bench.run(["sh", "-c", script] + (words.isEmpty ? ["sh"] : words), in: id)
        #expect(given.text == expected && given.text == other.text)
        #expect(given.status == other.status)
        try bench.clear()
    }

    @Test func `nothing that a program starts has its text, and nobody can change it`() throws {
        let bench = try EngineBench()
        let id = try bench.sandbox()
        let script = "[ -e /proc/$$/fd/3 ] && echo open; ls -l /proc/self/fd | grep -c script"
        let told = try bench.finish(bench.start(.shell(script, []), in: id))
        #expect(told.text == "0\n")
        let words = ["sh", "-c", "tr '\\0' ' ' </proc/$$/cmdline"]
        #expect(try bench.run(words, in: id).text.hasPrefix("sh -c tr"))
        let secret = try bench.finish(
            bench.start(.shell(": secret; tr '\\0' ' ' </proc/$$/cmdline", []), in: id))
        #expect(!secret.text.contains("secret") && secret.text.hasPrefix("sh -c "))
        try bench.clear()
    }

    @Test func `what no shell takes is refused before anything is started`() throws {
        let bench = try EngineBench()
        let id = try bench.sandbox()
        let cases: [(ProcessOrder.Command, Refusal.Code)] = [
            (.shell("echo \0", []), .order),
            (.shell(String(repeating: "x", count: WardenFormat.scriptLimit + 1), []), .ceiling),
            (.arguments(["echo", String(repeating: "x", count: 131_072)]), .ceiling),
            (.arguments([]), .order),
            (.arguments([""]), .order),
        ]
        for (command, code) in cases {
            #expect(try refusal { _ = try bench.start(command, in: id) }.code == code)
        }
        let long = Array(repeating: String(repeating: "x", count: 131_071), count: 60)
        let process = try bench.start(.arguments(["true"] + long), in: id)
        try bench.wait("the kernel refuses it") { $0.problem(of: process.key) != nil }
        #expect(bench.problem(of: process.key)?.errno == E2BIG)
        try bench.clear()
    }

    // MARK: Signals

    @Test func `a process that ignores TERM is ended by KILL, and so is its group`() throws {
        let bench = try EngineBench()
        let id = try bench.sandbox()
        let process = try bench.start(
            .arguments(["sh", "-c", "trap '' TERM; sleep 1000 & echo $!; wait; wait; sleep 1000"]), in: id)
        try bench.wait("it tells of its child") { _ in
            process.read()
            return process.text.hasSuffix("\n")
        }
        try bench.engine.signal(process.key, SIGTERM)
        #expect(try bench.run(["true"], in: id).status == .exited(0))
        #expect(bench.isRunning(process.key))
        try bench.engine.signal(process.key, SIGKILL)
        #expect(try bench.finish(process).status == .signalled(SIGKILL))
        let child = process.text.dropLast()
        // It may be a zombie until the init has reaped it.
        #expect(
            try bench.run(["sh", "-c", "while kill -0 \(child) 2>/dev/null; do sleep 0.01; done"], in: id)
                .status
                == .exited(0))
        try bench.clear()
    }

    @Test func `a signal to what is not there is refused`() throws {
        let bench = try EngineBench()
        let id = try bench.sandbox()
        #expect(
            try refusal { try bench.engine.signal(ProcessKey(id, 99), SIGTERM) }.code == .unknownProcess)
        let other = SandboxID(1)
        #expect(
            try refusal { try bench.engine.signal(ProcessKey(other, 1), SIGTERM) }.code == .unknownSession)
        try bench.clear()
    }

    // MARK: Terminals

    @Test func `several processes have terminals of their own, whose sizes change`() throws {
        let bench = try EngineBench()
        let id = try bench.sandbox()
        let script = "trap 'stty size' WINCH; tty; stty size; echo $TERM; while :; do sleep 0.01; done"
        let keys = try (0..<3).map { number in
            let key = bench.key(id)
            let size = WindowSize(columns: UInt16(80 + number), rows: UInt16(24 + number))
            try bench.engine.start(ProcessOrder(key, .shell(script, []), streams: .terminal(size)), nil)
            return key
        }
        var texts = ["", "", ""]
        func read() {
            for (index, key) in keys.enumerated() {
                guard let master = bench.terminals[key] else { continue }
                try? master.value.setNonBlocking()
                var bytes = [UInt8](repeating: 0, count: 4096)
                let count = unsafe Glibc.read(master.value.number, &bytes, bytes.count)
                if count > 0 { texts[index] += String(decoding: bytes[..<count], as: UTF8.self) }
            }
        }
        try bench.wait("each has told") { _ in
            read()
            return texts.allSatisfy { $0.hasSuffix("xterm\r\n") }
        }
        for (index, text) in texts.enumerated() {
            #expect(text.contains("\(24 + index) \(80 + index)\r\n"))
            #expect(text.hasPrefix("/dev/pts/"))
        }
        #expect(Set(texts.map { $0.prefix { $0 != "\r\n" } }).count == 3)
        let master = try #require(bench.terminals[keys[1]])
        #expect(clinux_terminal_resize(master.value.number, 50, 132) == 0)
        try bench.wait("the program has noticed") { _ in
            read()
            return texts[1].hasSuffix("50 132\r\n")
        }
        try bench.kill(id)
        try bench.clear()
    }

    @Test func `a terminal is refused where the operator allows none`() throws {
        var ceilings = Ceilings()
        ceilings.terminals = false
        let bench = try EngineBench(ceilings)
        let id = try bench.sandbox()
        let order = ProcessOrder(
            bench.key(id), .arguments(["true"]), streams: .terminal(WindowSize(columns: 80, rows: 24)))
        let refused = try refusal { try bench.engine.start(order, nil) }
        #expect(refused.code == .ceiling && refused.limit == "terminals")
        #expect(try bench.run(["test", "-e", "/dev/pts"], in: id).status == .exited(1))
        try bench.clear()
    }
}
