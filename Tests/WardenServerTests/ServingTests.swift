// The real program, its socket and real sandboxes.

import CLinux
import Glibc
import Linux
import Sandbox
import TestSupport
import Testing
import WardenProtocol

@Suite(.enabled(if: Host.isRoot, "the warden's sandboxes need root")) struct ServingTests {
    @Test func `a session runs processes and ends without a trace`() throws {
        let warden = try TestWarden()
        let client = try Client(warden.socket)
        let id = freshID()
        try client.session(id, overrides: [.pids(32)], note: Array("mine".utf8))
        let key = ProcessKey(id, 1)
        try client.start(ProcessOrder(key, .arguments(["sh", "-c", "echo out; echo err >&2; exit 3"])))
        #expect(try client.readAll(key) == "out\n")
        #expect(try client.readAll(key, .errors) == "err\n")
        #expect(try client.exit(of: key).status == .exited(3))

        let listed = try client.list()
        #expect(listed.map(\.session.id) == [id])
        let entry = try #require(listed.first)
        #expect(entry.session.note == Array("mine".utf8) && entry.session.profile == "default")
        #expect(entry.session.stage == .running && entry.session.layers[.seccomp] == .inForce)
        #expect(entry.processes.map(\.key) == [key])
        #expect(try client.ask(.acknowledge(key)) == .done)
        #expect(try client.refusal(of: .acknowledge(key)).code == .unknownProcess)
        try client.finish(id)
        #expect(try client.list().isEmpty)
        #expect(try warden.end().status == 0)
    }

    @Test func `input given by descriptor is read and a kept pipe ends when it is closed`() throws {
        let warden = try TestWarden()
        let client = try Client(warden.socket)
        let id = freshID()
        try client.session(id)
        let given = try FileDescriptor.sealedMemory("input", Array("given".utf8))
        _ = lseek(given.number, 0, SEEK_SET)
        let first = ProcessKey(id, 1)
        try client.start(
            ProcessOrder(first, .arguments(["cat"]), streams: .pipes(.given)), descriptors: [given.number])
        #expect(try client.readAll(first) == "given")

        let second = ProcessKey(id, 2)
        try client.start(ProcessOrder(second, .arguments(["cat"]), streams: .pipes(.pipe)))
        try #require(client.streams[second]?[.input]).value.writeAll(Array("piped".utf8))
        client.drop(second, .input)
        #expect(try client.ask(.closeInput(second)) == .done)
        #expect(try client.readAll(second) == "piped")
        #expect(try client.ask(.closeInput(second)) == .done)
        #expect(try client.exit(of: second).status == .exited(0))
        try client.finish(id)
    }

    @Test func `states that do not fit are refused by name`() throws {
        let warden = try TestWarden()
        let client = try Client(warden.socket)
        let (id, unknown) = (freshID(), freshID())
        try client.session(id)
        let key = ProcessKey(id, 1)
        let sleep = ProcessOrder(key, .arguments(["sleep", "1000"]))
        try client.start(sleep)
        let null = try FileDescriptor.open("/dev/null", O_RDONLY)
        #expect(try client.refusal(of: .create(SessionOrder(id: id, profile: "default"))).code == .exists)
        #expect(try client.refusal(of: .kill(unknown)).code == .unknownSession)
        #expect(try client.refusal(of: .start(sleep)).code == .exists)
        #expect(try client.refusal(of: .start(sleep), descriptors: [null.number]).code == .exists)
        let other = ProcessOrder(ProcessKey(id, 2), .arguments(["true"]))
        #expect(try client.refusal(of: .start(other), descriptors: [null.number]).code == .malformed)
        #expect(try client.refusal(of: .acknowledge(key)).code == .state)
        #expect(try client.refusal(of: .remove(id)).code == .state)
        #expect(try client.refusal(of: .signal(ProcessKey(id, 9), 15)).code == .unknownProcess)
        #expect(try client.refusal(of: .resize(key, WindowSize(columns: 1, rows: 1))).code == .state)
        #expect(try client.refusal(of: .hello(version: 1, build: "")).code == .malformed)
        for profile in ["../x", "/etc/passwd", "no-such-profile", ""] {
            let order = SessionOrder(id: unknown, profile: profile)
            #expect(try client.refusal(of: .create(order)).code == .order, "\(profile)")
        }
        #expect(try client.ask(.signal(key, SIGTERM)) == .done)
        #expect(try client.exit(of: key).status == .signalled(SIGTERM))
        try client.finish(id)
    }

    @Test func `a signal right behind a start reaches the process`() throws {
        let warden = try TestWarden()
        let client = try Client(warden.socket)
        let id = freshID()
        try client.session(id)
        // Both are there before the init has said that the process runs, most times; often enough for any machine.
        for number in UInt64(1)...20 {
            let key = ProcessKey(id, number)
            var answer: WardenAnswer?
            try client.link.send(.start(ProcessOrder(key, .arguments(["sleep", "1000"])))) { _, _ in }
            try client.link.send(.signal(key, SIGTERM)) { found, _ in answer = found }
            try client.wait("an answer") { answer != nil }
            #expect(answer == .done)
            #expect(try client.exit(of: key).status == .signalled(SIGTERM))
            #expect(try client.ask(.acknowledge(key)) == .done)
        }
        try client.finish(id)
    }

    @Test func `a killed corrald loses nothing, not even what happened while it was away`() throws {
        let warden = try TestWarden()
        let (id, key, late) = (freshID(), UInt64(1), UInt64(2))
        do {
            let client = try Client(warden.socket)
            try client.session(id, note: [1])
            try client.start(
                ProcessOrder(
                    ProcessKey(id, key), .arguments(["sh", "-c", "echo before; read x; echo $x; exit 7"]),
                    streams: .pipes(.pipe)))
            try client.start(ProcessOrder(ProcessKey(id, late), .arguments(["sleep", "1000"])))
            #expect(try client.ask(.note(id, [2, 3])) == .done)
            // Its input, of which the warden has a copy: nothing ends with this connection.
            try #require(client.streams[ProcessKey(id, key)]?[.input]).value.writeAll(Array("word\n".utf8))
        }
        let client = try Client(warden.socket)
        var listed = try client.list()
        #expect(listed.count == 1 && listed[0].session.note == [2, 3])
        #expect(listed[0].processes.map(\.key.process) == [key, late])
        #expect(try client.readAll(ProcessKey(id, key)) == "before\nword\n")
        try client.wait("the exit") {
            listed = (try? client.list()) ?? []
            guard case .exited(let record) = listed[0].processes[0].stage else { return false }
            return record.status == .exited(7)
        }
        guard case .running = listed[0].processes[1].stage else {
            Issue.record("\(listed[0].processes[1])")
            return
        }
        try client.finish(id)
    }

    @Test func `output that nobody has read is there after its process and its reader are gone`() throws {
        let warden = try TestWarden()
        let (id, key) = (freshID(), ProcessKey(freshID(), 1))
        let process = ProcessKey(id, key.process)
        do {
            let client = try Client(warden.socket)
            try client.session(id)
            try client.start(ProcessOrder(process, .arguments(["echo", "kept"])))
            _ = try client.exit(of: process)
        }
        let client = try Client(warden.socket)
        _ = try client.list()
        #expect(try client.readAll(process) == "kept\n")
        try client.finish(id)
    }

    @Test func `the memory of a ring is the same for everybody who has it`() throws {
        let warden = try TestWarden()
        let (id, number) = (freshID(), UInt64(1))
        let key = ProcessKey(id, number)
        do {
            let client = try Client(warden.socket)
            try client.session(id)
            try client.start(ProcessOrder(key, .arguments(["echo", "ring"])))
            _ = try client.exit(of: key)
            let pipe = try #require(client.streams[key]?[.output]).value.number
            let ring = try #require(client.streams[key]?[.outputRing]).value.number
            #expect(clinux_splice(pipe, ring, 65_536, 0) == 5)
        }
        let client = try Client(warden.socket)
        _ = try client.list()
        let ring = try #require(client.streams[key]?[.outputRing])
        #expect(lseek(ring.value.number, 0, SEEK_CUR) == 5)
        lseek(ring.value.number, 0, SEEK_SET)
        #expect(try ring.value.readAll(limit: 100) == Array("ring\n".utf8))
        try client.finish(id)
    }

    @Test func `a process on a terminal gets its size, and the master comes with its start`() throws {
        let warden = try TestWarden()
        let id = freshID()
        let (first, second) = (ProcessKey(id, 1), ProcessKey(id, 2))
        do {
            let client = try Client(warden.socket)
            try client.session(id)
            for key in [first, second] {
                let order = ProcessOrder(
                    key, .arguments(["sh", "-c", "stty size; read x; stty size"]),
                    streams: .terminal(WindowSize(columns: 90, rows: 33)))
                try client.start(order)
                #expect(try client.terminalText(key, until: "33 90"))
            }
            let size = WindowSize(columns: 120, rows: 40)
            #expect(try client.ask(.resize(first, size)) == .done)
        }
        // The master is in custody as well.
        let client = try Client(warden.socket)
        let listed = try client.list()
        #expect(listed[0].processes.allSatisfy { Set($0.roles) == [.terminal, .outputRing, .elbow] })
        let master = try #require(client.streams[first]?[.terminal])
        try master.value.writeAll(Array("x\n".utf8))
        #expect(try client.terminalText(first, until: "40 120"))
        #expect(try client.exit(of: first).status == .exited(0))
        try client.finish(id)
    }

    @Test func `a program of 8 MiB runs, with its arguments and its input`() throws {
        let warden = try TestWarden()
        let client = try Client(warden.socket)
        let id = freshID()
        try client.session(id)
        let tail = "\necho \"$0 $1\"; cat\n"
        let filler = String(repeating: "#", count: WardenFormat.scriptLimit - tail.utf8.count)
        let key = ProcessKey(id, 1)
        try client.start(
            ProcessOrder(key, .shell(filler + tail, ["name", "word"]), streams: .pipes(.pipe)))
        try #require(client.streams[key]?[.input]).value.writeAll(Array("in".utf8))
        client.drop(key, .input)
        try client.ask(.closeInput(key))
        #expect(try client.readAll(key) == "name word\nin")
        #expect(try client.exit(of: key).status == .exited(0))
        try client.finish(id)
    }

    @Test func `what is above a ceiling is refused with its name, what was asked and what may be`() throws {
        let warden = try TestWarden([
            "--ceiling", "sessions=1", "--ceiling", "limits.pids=40", "--ceiling", "profiles=default",
        ])
        let client = try Client(warden.socket)
        let id = freshID()
        let much = SessionOrder(id: id, profile: "default", overrides: [.pids(41)])
        let refusal = try client.refusal(of: .create(much))
        #expect(refusal.code == .ceiling && refusal.limit == "limits.pids")
        #expect(refusal.asked == "41" && refusal.allowed == "40")
        let strict = SessionOrder(id: id, profile: "strict", overrides: [.pids(1)])
        #expect(try client.refusal(of: .create(strict)).limit == "profiles")
        try client.session(id, overrides: [.pids(40)])
        let second = SessionOrder(id: freshID(), profile: "default", overrides: [.pids(40)])
        #expect(try client.refusal(of: .create(second)).limit == "sessions")
        try client.finish(id)
        #expect(try client.ask(.create(second)) == .done)
    }

    @Test func `a ceiling that is none ends the warden before it serves`() throws {
        let directory = try TemporaryDirectory()
        let outcome = try Program.run(
            [
                Product.path("corral-warden"), "--socket", directory("warden.sock"), "--ceiling",
                "memory=1GiB",
            ], environment: Program.environment.merging(["CORRAL_DATA": Repository.root]) { $1 })
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("the ceiling \\\"memory\\\": there is no such ceiling"))
    }

    @Test func `a paused session stands still, and is killed like any other`() throws {
        let warden = try TestWarden()
        let client = try Client(warden.socket)
        let id = freshID()
        try client.session(id)
        let key = ProcessKey(id, 1)
        try client.start(
            ProcessOrder(key, .arguments(["sh", "-c", "while :; do echo x; sleep 0.01; done"])))
        let answer = try client.ask(.pause(id))
        if case .refused(let refusal) = answer, refusal.code == .unsupported {
            #expect(refusal.sentence.hasPrefix("a session cannot be paused here: "))
            return try client.finish(id)
        }
        #expect(answer == .done)
        #expect(try client.list()[0].session.stage == .paused)
        let order = ProcessOrder(ProcessKey(id, 2), .arguments(["true"]))
        #expect(try client.refusal(of: .start(order)).code == .state)
        #expect(try client.ask(.resume(id)) == .done)
        try client.start(order)
        #expect(try client.exit(of: ProcessKey(id, 2)).status == .exited(0))
        #expect(try client.ask(.pause(id)) == .done)
        try client.finish(id)
    }
}
