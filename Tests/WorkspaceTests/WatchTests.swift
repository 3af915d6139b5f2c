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

    private func lines(_ watch: inout TreeWatch, _ yard: Yard) throws -> [String] {
        try watch.next(yard.files).map { "\($0.kind) \($0.path)" }
    }

    @Test func `a tree is watched with the directories that come to it, and without those that leave`() throws
    {
        let yard = try Yard("mkdir -p t/a/b other; echo x >t/a/f")
        var watch = try yard.files.watchTree(WorkspacePath("t"), recursive: true)
        #expect(try lines(&watch, yard) == [])
        try yard.shell("echo y >>t/a/f; mkdir t/new")
        #expect(try lines(&watch, yard) == ["changed t/a/f", "created t/new"])
        try yard.shell("mkdir t/new/in; : >t/new/x; mv t/a t/c")
        let moved = try lines(&watch, yard)
        #expect(
            moved.prefix(4) == ["created t/new/in", "created t/new/x", "movedAway t/a", "movedHere t/c"])
        #expect(moved.dropFirst(4).sorted() == ["created t/c/b", "created t/c/f"])
        try yard.shell("echo z >>t/c/f; mv t/c other/c")
        #expect(try lines(&watch, yard) == ["changed t/c/f", "movedAway t/c"])
        try yard.shell("echo z >>other/c/f; rm -r t")
        #expect(try lines(&watch, yard).last == "gone t")
    }

    @Test func `a directory that is swapped for a link outside is not watched there`() throws {
        let yard = try Yard("mkdir t")
        var watch = try yard.files.watchTree(WorkspacePath("t"), recursive: true)
        try yard.shell(
            "mkdir t/d; rmdir t/d; ln -s ../../outside t/d; mkdir t/e; mv t/e t/g; ln -s ../.. t/e")
        _ = try lines(&watch, yard)
        try yard.shell("echo x >../outside/made; rm ../outside/made")
        #expect(try lines(&watch, yard) == [])
        #expect(code { _ = try yard.files.watchTree(WorkspacePath("t/d"), recursive: true) } == .outside)
        // Followed as a path, it would be.
        let naive = FileDescriptor(owning: try call("inotify_init1") { inotify_init1(CInt(IN_NONBLOCK)) })
        let number = naive.number
        _ = try call("inotify_add_watch") { unsafe inotify_add_watch(number, yard("t/d"), UInt32(IN_CREATE)) }
        try yard.shell("echo x >../outside/made; rm ../outside/made")
        var buffer = [UInt8](repeating: 0, count: 512)
        var room = buffer.mutableSpan
        #expect(try naive.read(into: &room) > 0)
    }

    @Test func `more directories than may be watched are an error, and later ones are told as not watched`()
        throws
    {
        let most = TreeWatch.mostDirectories
        let yard = try Yard("mkdir t; cd t; seq 1 \(most) | xargs mkdir")
        #expect(code { _ = try yard.files.watchTree(WorkspacePath("t"), recursive: true) } == .limit)
        try yard.shell("rmdir t/1")
        var watch = try yard.files.watchTree(WorkspacePath("t"), recursive: true)
        try yard.shell("mkdir t/more")
        #expect(try lines(&watch, yard) == ["created t/more", "overflow t/more"])
    }

    @Test func `of a directory that comes with more names than are told an overflow says so`() throws {
        let most = TreeWatch.mostTold
        let yard = try Yard("mkdir t d d/last; cd d; seq 1 \(most) | xargs touch")
        var watch = try yard.files.watchTree(WorkspacePath("t"), recursive: true)
        try yard.shell("mv d t/d")
        let told = try lines(&watch, yard)
        #expect(told.first == "movedHere t/d" && told.last == "overflow t/d" && told.count == most + 2)
        // Those that were not told are watched all the same.
        try yard.shell("echo x >t/d/last/x")
        #expect(try lines(&watch, yard).contains("created t/d/last/x"))
    }
}
