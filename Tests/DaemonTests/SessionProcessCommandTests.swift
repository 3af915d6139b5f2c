import API
import Glibc
import TestSupport
import Testing
import Wire

@Suite(.serialized) struct SessionProcessCommandTests {
    @Test func `a process is started, listed, written to, read and stopped by its name`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session(#"{"name":"b"}"#)
        let started = try daemon.corral("start", "-i", "--name", "cat", "b", "cat")
        let process = started.output.split(separator: "\n").joined()
        #expect(started.status == 0 && process.utf8.count == 16, "\(started.errors)")
        #expect(try eventually { try daemon.processes("b").first?.text("stdin") == "true" })
        #expect(try daemon.corral("input", "b", "cat", stdin: Array("one\n".utf8)).status == 0)
        #expect(try daemon.corral("input", "--text", "two\n", "b", "cat").status == 0)
        #expect(try eventually { try daemon.corral("logs", "b", "cat").output == "one\ntwo\n" })
        #expect(try daemon.corral("logs", "--tail", "1", "b", "cat").output == "two\n")
        #expect(try daemon.corral("logs", "--stream", "stderr", "b", "cat").output == "")
        let table = try daemon.corral("processes", "b").output.split(separator: "\n")
        #expect(table.count == 2 && table[0].hasPrefix("PROCESS "), "\(table)")
        #expect(table[1].hasPrefix(process.prefix(12)) && table[1].contains("running"), "\(table)")
        #expect(try daemon.corral("processes", "-q", "--no-trunc", "b").output == "\(process)\n")
        let json = try daemon.corral("processes", "-o", "jsonl", "b").output
        #expect(json.contains(#""name":"cat","kind":"managed","argv":["cat"]"#), "\(json)")
        let inspected = try daemon.corral("process", "b", "cat", "nobody")
        #expect(inspected.status == 1 && inspected.errors.contains("nobody"))
        let list = try JSONTree(parsing: inspected.stdout).list
        #expect(list.count == 1 && list[0]["session"]?.text == id && list[0]["stdin"]?.text == "true")
        #expect(try daemon.corral("input", "--close", "b", "cat", stdin: Array("three\n".utf8)).status == 0)
        #expect(try eventually { try daemon.processes("b").first?.text("exit") == "0" })
        let replayed = try daemon.corral("attach", "b", "cat")
        #expect(replayed.status == 0 && replayed.output == "one\ntwo\nthree\n", "\(replayed)")
        #expect(try daemon.corral("logs", "-f", "b", "cat").output == "one\ntwo\nthree\n")
        #expect(try daemon.corral("processes", "b").output.contains("exited 0"))

        let trap = "trap 'echo hup' HUP; echo up >&2; while :; do sleep 0.05; done"
        _ = try daemon.corral("start", "--name", "s", "--shell", trap, "b")
        #expect(try eventually { try daemon.corral("logs", "b", "s").errors == "up\n" })
        #expect(try daemon.corral("signal", "b", "s", "sighup").status == 0)
        #expect(try eventually { try daemon.corral("logs", "b", "s").output == "hup\n" })
        let stopped = try daemon.corral("stop", "--grace", "0s", "b", "s", "nobody")
        #expect(stopped.status == 1 && stopped.output == "s\n" && stopped.errors.contains("nobody"))
        #expect(try daemon.processes("b").last?.text("cause") == "operator")
        #expect(try daemon.corral("attach", "b", "s").status == 137)
    }

    private static let refusals: [(words: [String], code: CInt, says: String)] = [
        (["logs", "b", "nobody"], 1, "nobody"), (["logs", "nobody", "p"], 1, "nobody"),
        (["logs", "--tail", "x", "b", "p"], 1, "--tail"), (["logs", "--since", "x", "b", "p"], 1, "--since"),
        (["logs", "--tail", "1", "--since", "1m", "b", "p"], 1, "--tail beside --since"),
        (["logs", "--stream", "x", "b", "p"], 2, "stdout or stderr or both"),
        (["attach", "b", "nobody"], 125, "nobody"), (["attach", "b", ""], 125, "PROCESS is empty"),
        (["attach", "--from", "x", "b", "p"], 125, "--from"),
        (["attach", "--from", "9", "b", "p"], 125, "beyond"),
        (["signal", "b", "p", "SIGFOO"], 1, "SIGFOO"), (["signal", "b", "p", "65"], 1, "65"),
        (["signal", "b", "p"], 2, "operand"), (["stop", "--grace", "1d", "b", "p"], 1, "--grace"),
        (["input", "--text", "x", "b", "p"], 1, "takes no input"),
        (["start", "--name", "../x", "b", "true"], 1, "name"),
        (["start", "--name", "p", "b", "true"], 1, "p"),
        (["start", "--restart", "never", "b", "true"], 2, "on-failure"),
        (["processes", "nobody"], 1, "nobody"),
    ]

    @Test func `what is wrong is named in one line`() throws {
        let daemon = try TestDaemon()
        _ = try daemon.session(#"{"name":"b"}"#)
        _ = try daemon.corral("start", "--name", "p", "b", "sleep", "6000")
        #expect(try eventually { try daemon.processes("b").first?.text("state") == "running" })
        for (words, code, says) in SessionProcessCommandTests.refusals {
            let ended = try Program.run(daemon.words(words), environment: daemon.environment, timeout: 60)
            #expect(ended.status == code, "\(words): \(ended.errors)")
            #expect(ended.errors.contains(says), "\(words): \(ended.errors)")
            let lines = ended.errors.split(separator: "\n").filter { !$0.hasPrefix("hint: ") }
            #expect(lines.count == 1 && ended.output == "", "\(ended)")
        }
        // What can be done is on a line of its own, as in every other command.
        let signal = try daemon.corral("signal", "b", "p", "SIGFOO")
        #expect(
            signal.errors.hasSuffix("is no signal\nhint: a name such as TERM, or a number from 1 to 64\n"),
            "\(signal.errors)")
    }

    @Test func `followed logs go on behind a kill of the daemon, and nothing is lost or there twice`() throws
    {
        let daemon = try TestDaemon()
        let id = try daemon.session(#"{"name":"b"}"#)
        let script = """
            n=0; for stage in a b c; do \
            for i in 1 2 3 4 5 6 7 8 9; do n=$((n+1)); echo line-$n; echo error-$n >&2; done; \
            until [ -e /tmp/$stage ]; do sleep 0.02; done; done
            """
        _ = try daemon.corral("start", "--name", "p", "--shell", script, "b")
        let follower = try daemon.begin("logs", "-f", "b", "p")
        #expect(try follower.waitForText("line-9\n", within: 60))
        for (stage, last) in [("a", "line-18\n"), ("b", "line-27\n")] {
            try daemon.kill()
            try daemon.startAgain()
            try daemon.exec(id, "touch /tmp/\(stage)")
            #expect(try follower.waitForText(last, within: 60))
        }
        try daemon.exec(id, "touch /tmp/c")
        let ended = try follower.wait(timeout: 60)
        #expect(ended.status == 0)
        #expect(ended.output == (1...27).map { "line-\($0)\n" }.joined())
        let errors = ended.errors.split(separator: "\n").filter { !$0.hasPrefix("corral session logs: ") }
        #expect(errors.map(String.init) == (1...27).map { "error-\($0)" })
        #expect(ended.errors.contains("the daemon is gone"))
    }

    @Test func `followed logs go on with the next run of a process`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session(#"{"name":"b"}"#)
        // Each run waits to be seen: what a run wrote is gone with the next one.
        let script = "echo run; until rm /tmp/go 2>/dev/null; do sleep 0.02; done; exit 1"
        _ = try daemon.corral(
            "start", "--name", "p", "--restart", "on-failure", "--restarts", "2", "--shell", script, "b")
        let follower = try daemon.begin("logs", "-f", "b", "p")
        for run in 1...3 {
            #expect(try follower.waitForText(String(repeating: "run\n", count: run), within: 60))
            try daemon.exec(id, "touch /tmp/go")
        }
        let ended = try follower.wait(timeout: 60)
        #expect(ended.status == 0 && ended.output == "run\nrun\nrun\n", "\(ended)")
    }

    @Test func `what waits to be started again shows its last run, and takes no signal`() throws {
        let daemon = try TestDaemon()
        _ = try daemon.session(#"{"name":"b"}"#)
        let script = "echo one; echo x; echo why >&2"
        _ = try daemon.corral("start", "--name", "p", "--restart", "always", "b", "sh", "-c", script)
        // The time from one run to the next grows.
        let waits = "waits to be started again"
        #expect(
            try eventually {
                let logs = try daemon.corral("logs", "--tail", "1", "b", "p")
                return logs.status == 0 && logs.errors.contains(waits) && logs.output == "x\n"
                    && logs.errors.hasSuffix("why\n")
            })
        #expect(
            try eventually {
                let signal = try daemon.corral("signal", "b", "p", "HUP")
                return signal.status == 1 && signal.errors.contains(waits)
            })
    }

    @Test func `what a run wrote is there while the next is waited for, after a crash, and for good`() throws
    {
        let daemon = try TestDaemon()
        let id = try daemon.session(#"{"name":"b"}"#)
        _ = try daemon.corral("start", "--name", "p", "--restart", "always", "b", "sh", "-c", "echo x")
        let path = "/v1/sessions/\(id)/processes/p"
        func logs() throws -> String {
            String(decoding: try daemon.call("GET", "\(path)/logs").bytes, as: UTF8.self)
        }
        // The time from one run to the next grows.
        #expect(
            try eventually {
                try daemon.call("GET", path).text("state") == "waiting" && logs() == "x\n"
                    && daemon.call("GET", path).text("state") == "waiting"
            })
        try daemon.kill()
        try daemon.startAgain()
        #expect(try eventually { try logs() == "x\n" })
        #expect(
            try eventually {
                guard try daemon.call("GET", path).text("state") == "waiting" else { return false }
                return try daemon.call("POST", "\(path)/stop", #"{"grace":1000}"#).text("state") == "ended"
            })
        #expect(try logs() == "x\n")
    }

    @Test func `the last line of a process that never stops writing is there each time`() throws {
        let daemon = try TestDaemon()
        _ = try daemon.session(#"{"name":"b"}"#)
        let script = "i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done"
        _ = try daemon.corral("start", "--name", "p", "--shell", script, "b")
        #expect(try eventually { try daemon.corral("logs", "b", "p").output.contains("2\n") })
        for _ in 0..<40 {
            let logs = try daemon.corral("logs", "--tail", "1", "b", "p")
            #expect(logs.status == 0 && logs.output.split(separator: "\n").count >= 1, "\(logs)")
        }
    }

    @Test func `a hundred megabytes of a process that stays are read as they are`() throws {
        let daemon = try TestDaemon(["--set", "output.ring=128MiB"])
        _ = try daemon.session(#"{"name":"b"}"#)
        _ = try daemon.corral("start", "--name", "p", "--shell", "seq 1 12800000; exec sleep 6000", "b")
        let size = try daemon.pipeline("seq 1 12800000 | tee >(sha256sum >&2) | wc -c; sleep 0.1")
        let bytes = size.output.split(separator: "\n").joined()
        #expect(
            try eventually(within: 120) { try daemon.processes("b").first?.text("stdout_bytes") == bytes })
        let own = try daemon.pipeline("seq 1 12800000 | sha256sum")
        #expect(try daemon.pipeline("$corral logs b p | sha256sum").output == own.output)
        let early = try daemon.pipeline("$corral logs -f b p | head -n 1; echo ${PIPESTATUS[0]}")
        #expect(early.output == "1\n141\n")
        #expect(try daemon.processes("b").first?.text("state") == "running")
    }

    @Test func `times select a part of the logs`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session(#"{"name":"b"}"#)
        let script = "echo one; until [ -e /tmp/go ]; do sleep 0.02; done; echo two; exec sleep 6000"
        _ = try daemon.corral("start", "--name", "p", "--shell", script, "b")
        #expect(try eventually { try daemon.corral("logs", "b", "p").output == "one\n" })
        let between = try daemon.pipeline("sleep 0.1; date -u +%Y-%m-%dT%H:%M:%S.%3NZ; sleep 0.1")
        let time = between.output.split(separator: "\n").joined()
        try daemon.exec(id, "touch /tmp/go")
        #expect(try eventually { try daemon.corral("logs", "b", "p").output == "one\ntwo\n" })
        // It may begin a little before that.
        #expect(try daemon.corral("logs", "--since", time, "b", "p").output.hasSuffix("two\n"))
        let now = try daemon.pipeline("sleep 0.1; date -u +%Y-%m-%dT%H:%M:%S.%3NZ").output
        let late = now.split(separator: "\n").joined()
        #expect(try daemon.corral("logs", "--since", late, "b", "p").output == "")
        #expect(try daemon.corral("logs", "--until", time, "b", "p").output == "one\n")
        #expect(try daemon.corral("logs", "--since", "1h", "b", "p").output == "one\ntwo\n")
        // It ends then, and does not wait for the process.
        let later = try daemon.pipeline("date -u -d '+1 second' +%Y-%m-%dT%H:%M:%S.%3NZ").output
        let until = later.split(separator: "\n").joined()
        #expect(try daemon.corral("logs", "-f", "--until", until, "b", "p").output == "one\ntwo\n")
    }

    @Test func `each line has the time at which it came`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session(#"{"name":"b"}"#)
        func wait(_ stage: String) -> String { "until [ -e /tmp/\(stage) ]; do sleep 0.02; done" }
        let script =
            "printf 'one\\ntwo '; \(wait("a")); echo end; echo error >&2; \(wait("b")); echo live; "
            + wait("c")
        _ = try daemon.corral("start", "--name", "p", "--shell", script, "b")
        func plain() throws -> String { try daemon.corral("logs", "b", "p").output }
        func now() throws -> String {
            try daemon.pipeline("date -u +%Y-%m-%dT%H:%M:%S.%3NZ").output.split(separator: "\n").joined()
        }
        let first = try now()
        #expect(try eventually { try plain() == "one\ntwo " })
        let between = try daemon.pipeline("sleep 0.1; date -u +%Y-%m-%dT%H:%M:%S.%3NZ; sleep 0.1")
            .output.split(separator: "\n").joined()
        try daemon.exec(id, "touch /tmp/a")
        #expect(try eventually { try plain() == "one\ntwo end\n" })
        let follower = try daemon.begin("logs", "-f", "-t", "b", "p")
        #expect(try follower.waitForText("two end\n", within: 60))
        // What comes while somebody looks on has its own time as well.
        let third = try now()
        try daemon.exec(id, "touch /tmp/b")
        #expect(try follower.waitForText(" live\n", within: 60))
        let last = try now()

        let found = try daemon.corral("logs", "-t", "b", "p")
        let lines = found.output.split(separator: "\n").map { $0.split(separator: " ", maxSplits: 1) }
        #expect(lines.map { $0.last.map(String.init) } == ["one", "two end", "live"], "\(found.output)")
        let times = lines.compactMap { $0.first.map(String.init) }
        #expect(times.allSatisfy { APITime($0) != nil && $0.hasSuffix("Z") && $0.utf8.count == 24 })
        // The process may have written before the first time was taken.
        #expect(times[0] == times[1] && times[0] < between && times[2] <= last, "\(times) \(first) \(last)")
        #expect(times[2] >= third || times[2] > between, "\(times) \(third)")
        let error = found.errors.split(separator: " ")
        #expect(error.count == 2 && error[1] == "error\n" && String(error[0]) > between, "\(found.errors)")
        try daemon.exec(id, "touch /tmp/c")
        let followed = try follower.wait(timeout: 60)
        #expect(followed.status == 0)
        func texts(_ output: String) -> [String] {
            output.split(separator: "\n").map { String($0.dropFirst(25)) }
        }
        #expect(texts(followed.output) == ["one", "two end", "live"], "\(followed.output)")

        // Times are not kept with what it wrote.
        try daemon.kill()
        try daemon.startAgain()
        let old = try daemon.corral("logs", "-t", "b", "p")
        #expect(old.status == 0 && old.output == "- one\n- two end\n- live\n", "\(old)")
        #expect(old.errors.contains("no longer known when it wrote"), "\(old.errors)")
        #expect(try plain() == "one\ntwo end\nlive\n")
    }

    @Test func `attach begins where it is told, and leaves without a trace`() throws {
        let daemon = try TestDaemon()
        _ = try daemon.session(#"{"name":"b"}"#)
        _ = try daemon.corral("start", "-i", "--name", "p", "--shell", "echo begin; exec cat", "b")
        #expect(try eventually { try daemon.corral("logs", "b", "p").output == "begin\n" })
        let reader = try daemon.begin("attach", "--no-stdin", "--from", "2", "b", "p")
        #expect(try reader.waitForText("gin\n", within: 60))
        let writer = try daemon.begin("attach", "b", "p", stdin: Array("typed\n".utf8))
        // Waiting for it is what writes its input.
        #expect(try writer.waitForText("typed\n", within: 60))
        #expect(try reader.waitForText("typed\n", within: 60))
        for client in [reader, writer] {
            try client.signal(SIGINT)
            #expect(try client.wait(timeout: 60).status == 130)
        }
        #expect(try daemon.processes("b").first?.text("state") == "running")
    }
}
