// Volumes of the host when a disk can only be read: their own, and the one that their images are on.

import Glibc
import TestSupport
import Testing
import Wire

extension HostVolumeTests {
    private func run(_ words: [String]) throws {
        let outcome = try Program.run(words, timeout: 120 * Host.patience)
        try #require(outcome.status == 0, "\(words): \(outcome.errors)")
    }

    /// Both daemons die; what they have mounted on the host stays.
    private func killBoth(_ daemon: TestDaemon) throws {
        try daemon.kill()
        if let warden = daemon.warden { _ = Glibc.kill(warden, SIGKILL) }
        try #require(eventually { daemon.warden == nil })
    }

    /// How long the image of the one volume is, in bytes.
    private func imageSize(_ daemon: TestDaemon) throws -> String {
        let place = "\(daemon.state)/warden/host-volumes"
        let name = try #require(File.names(in: place).first)
        return try Program.run(["stat", "-c", "%s", "\(place)/\(name)/volume.btrfs"]).output
    }

    private func isRefused(
        _ answer: TestDaemon.Answer, naming path: String, _ comment: Comment,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(
            answer.status >= 400 && answer.message.contains(path) && answer.message.contains("EROFS"),
            "\(comment): \(answer.status) \(answer.message)", sourceLocation: sourceLocation)
    }

    @Test
    func `a volume that can only be read hands out what it has, and says of all else that it is read-only`()
        throws
    {
        let (daemon, census) = try start()
        try make(daemon)
        let id = try session(daemon, "alice", bytes: 16 << 20)
        try daemon.exec(id, "echo before >f; sync -f f")
        try daemon.end(id)
        #expect(try corral(daemon, "resize", "--size", "512MiB", box).status == 0)
        let size = try imageSize(daemon)
        // The file system, and not this mount of it alone: the warden has others.
        #expect(try eventually { try Program.run(["mount", "-o", "remount,ro", box]).status == 0 })
        isRefused(
            try daemon.call("POST", "/v1/sessions", #"{"directory":"\#(box)/new"}"#), naming: "\(box)/new",
            "handed out")
        isRefused(
            try daemon.call(
                "POST", "/v1/sessions", #"{"directory":"\#(box)/alice","quota":{"bytes":33554432}}"#),
            naming: "\(box)/alice", "given another limit")
        for other in [768 << 20, Self.size] {
            isRefused(
                try daemon.call("POST", "/v1/volumes/resize", #"{"path":"\#(box)","bytes":\#(other)}"#),
                naming: box, "resized")
            #expect(try imageSize(daemon) == size, "\(other)")
        }
        let listed = try daemon.call("GET", "/v1/volumes")["volumes"]?.list.first
        #expect(listed?["bytes"]?.text == "\(512 << 20)" && listed?["state"]?.text == "mounted")
        #expect(File.names(in: box) == ["alice"] && census.mounts == 1 && census.loops == 1)
        let again = try session(daemon, "alice")
        #expect(try daemon.exec(again, "cat f").decoded("stdout") == "before\n")
        try daemon.end(again)
        // The control: it can be written to again.
        try run(["mount", "-o", "remount,rw", box])
        try daemon.end(try session(daemon, "new"))
        #expect(try corral(daemon, "resize", "--size", "768MiB", box).status == 0)
        // Its image is on a disk that can be written to, so it may go in any case.
        #expect(try eventually { try Program.run(["mount", "-o", "remount,ro", box]).status == 0 })
        #expect(try remove(daemon).status == 204)
        #expect(eventually { census.isClean }, "\(census.mounts) \(census.loops) \(census.records)")
    }

    @Test func `on a disk that can only be read nothing is made, changed or removed, and each says so`()
        throws
    {
        let (daemon, census) = try start()
        try File.makeDirectories("\(box)-beside")
        try make(daemon)
        let id = try session(daemon, "alice", bytes: 16 << 20)
        try daemon.exec(id, "echo before >f; sync -f f")
        try daemon.end(id)
        try killBoth(daemon)
        // A mount of the same directory that nothing can be written by: wardens see it from their start on.
        let (place, reading) = ("\(daemon.state)/warden/host-volumes", directory("reading"))
        try File.makeDirectories(reading)
        try run(["mount", "--bind", place, reading])
        defer { _ = unsafe umount2(reading, 2) }
        try run(["mount", "-o", "remount,bind,ro", reading])
        try run(["mount", "--bind", reading, place])
        defer { while unsafe umount2(place, 2) == 0 {} }
        try #require(try Program.run(["touch", "\(place)/control"]).status != 0)
        try daemon.startAgain()
        let listed = try daemon.call("GET", "/v1/volumes")["volumes"]?.list.first
        #expect(listed?["state"]?.text == "unmounted" && listed?["problem"]?.text?.contains("EROFS") == true)
        let refusals: [(what: String, path: String, answer: TestDaemon.Answer)] = [
            (
                "made", "\(box)-beside",
                try daemon.call(
                    "POST", "/v1/volumes", #"{"path":"\#(box)-beside","bytes":\#(Self.size)}"#)
            ),
            ("handed out", box, try daemon.call("POST", "/v1/sessions", #"{"directory":"\#(box)/alice"}"#)),
            (
                "resized", box,
                try daemon.call("POST", "/v1/volumes/resize", #"{"path":"\#(box)","bytes":536870912}"#)
            ),
            ("mounted", box, try daemon.call("POST", "/v1/volumes", #"{"path":"\#(box)","adopt":true}"#)),
            ("removed", box, try remove(daemon)), ("kept", box, try remove(daemon, data: "keep")),
        ]
        for refusal in refusals { isRefused(refusal.answer, naming: refusal.path, "\(refusal.what)") }
        // It is where it was before, and whoever has it on the host goes on.
        #expect(File.text("\(box)/alice/f") == "before\n" && census.mounts == 1 && census.loops == 1)
        #expect(census.records.count == 1)
        #expect(try daemon.call("GET", "/v1/volumes")["volumes"]?.list.count == 1)
        let plain = try daemon.session("{}")
        #expect(try daemon.exec(plain, "echo on").decoded("stdout") == "on\n")
        try daemon.end(plain)
        // The control: with a disk that can be written to the next ones go on with it.
        try killBoth(daemon)
        try #require(unsafe umount2(place, 2) == 0)
        try daemon.startAgain()
        let again = try session(daemon, "alice")
        #expect(try daemon.exec(again, "cat f").decoded("stdout") == "before\n")
        try daemon.end(again)
        #expect(try remove(daemon).status == 204)
        #expect(eventually { census.isClean }, "\(census.mounts) \(census.loops) \(census.records)")
    }
}
