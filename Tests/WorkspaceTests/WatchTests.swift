import Glibc
import Linux
import TestSupport
import Testing
import Workspace

/// What is told of a directory that is watched.
@Suite struct WatchTests {
    private func names(_ events: [WatchEvent]) -> [String] { events.map { "\($0.kind.rawValue) \($0.name)" } }

    @Test func `what happens to names is told in its order`() throws {
        let yard = try Yard("mkdir d; printf x >d/old")
        let watch = try yard.files.watch(WorkspacePath("d"))
        #expect(try watch.next().isEmpty)
        try yard.shell("mkdir d/sub; mv d/old d/new; rm d/new; : >\"$(printf 'd/\\377')\"; chmod 700 d/sub")
        try yard.shell("printf y >d/sub/deep; printf y >d/f")
        let events = try watch.next()
        #expect(
            names(events) == [
                "created sub", "movedAway old", "movedHere new", "removed new", "created \u{FFFD}",
                "attributes sub", "created f", "changed f",
            ])
        #expect(events[0].isDirectory && !events[1].isDirectory)
        #expect(events[1].move != 0 && events[1].move == events[2].move)
        #expect(try watch.next().isEmpty)
        // What the removal of a temporary directory cannot name.
        try yard.shell("rm -r d")
    }

    @Test func `it stays with the directory, and says when that is gone`() throws {
        let yard = try Yard("mkdir d; printf x >f")
        let watch = try yard.files.watch(WorkspacePath("d"))
        try yard.shell("mv d e; ln -s ../outside d; : >d/../f; : >e/made")
        #expect(names(try watch.next()) == ["created made"])
        try yard.shell("rm -r e")
        #expect(names(try watch.next()).last == "gone ")
        #expect(code { _ = try yard.files.watch(WorkspacePath("f")) } == .notDirectory)
        #expect(code { _ = try yard.files.watch(WorkspacePath("none")) } == .notFound)
    }

    @Test func `more than the kernel keeps is told as such`() throws {
        let yard = try Yard()
        let watch = try yard.files.watch(.root)
        let most = Int(File.text("/proc/sys/fs/inotify/max_queued_events")?.dropLast() ?? "") ?? 16_384
        try #require(most <= 1 << 20)
        for number in 0..<(most / 2 + 10) {
            let name = yard("f\(number % 2)")
            #expect(unsafe mkdir(name, 0o700) == 0)
            #expect(unsafe rmdir(name) == 0)
        }
        var events: [WatchEvent] = []
        while true {
            let some = try watch.next()
            if some.isEmpty { break }
            #expect(some.count <= 512)
            events += some
        }
        #expect(events.last?.kind == .overflow && events.count == most + 1)
    }
}
