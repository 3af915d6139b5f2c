import Glibc
import Linux
import TestSupport
import Testing
import Trees
import Workspace

/// Looking at files, reading and listing them.
@Suite struct ReadingTests {
    @Test func `an entry is what lstat says, a link itself`() throws {
        let yard = try Yard(
            "mkdir d; printf hello >d/f; chmod 640 d/f; ln -s d/f l; ln d/f h; truncate -s 1M hole")
        let file = try yard.files.entry(WorkspacePath("d/f"))
        #expect(file.name == "f" && file.isNameWhole && file.target == nil)
        #expect(file.status.kind == .file && file.status.size == 5 && file.status.mode == 0o640)
        #expect(file.status.links == 2)
        let link = try yard.files.entry(WorkspacePath("l"))
        #expect(link.status.kind == .symlink && link.target == "d/f")
        let hole = try yard.files.entry(WorkspacePath("hole")).status
        #expect(hole.size == 1 << 20 && hole.allocated == 0)
        #expect(try yard.files.entry(.root).status.kind == .directory)
        #expect(code { _ = try yard.files.entry(WorkspacePath("d/f/")) } == .notDirectory)
        #expect(code { _ = try yard.files.entry(WorkspacePath("d/f/x")) } == .notDirectory)
        #expect(code { _ = try yard.files.entry(WorkspacePath("none")) } == .notFound)
        #expect(code { _ = try yard.files.entry(WorkspacePath("none/x")) } == .notFound)
    }

    @Test func `ranges are read, and what lies behind the end is nothing`() throws {
        let yard = try Yard("printf 0123456789 >f; mkdir d; ln -s d/../f l")
        let file = try yard.files.openToRead(WorkspacePath("f"))
        #expect(try file.bytes(from: 3, count: 4) == Array("3456".utf8))
        #expect(try file.bytes(from: 8, count: 100) == Array("89".utf8))
        #expect(try file.bytes(from: 10, count: 1) == [])
        #expect(try file.bytes(from: 1 << 40, count: 1) == [])
        #expect(try file.bytes(count: 0) == [])
        #expect(code { _ = try file.bytes(from: .max, count: 1) } == .invalid)
        #expect(code { _ = try file.bytes(from: UInt64(Int64.max), count: 1) } == .invalid)
        #expect(try yard.text("l") == "0123456789")
        #expect(code { _ = try yard.files.openToRead(WorkspacePath("f/")) } == .notDirectory)
        #expect(code { _ = try yard.files.openToRead(WorkspacePath("d")) } == .isDirectory)
        #expect(code { _ = try yard.files.openToRead(.root) } == .isDirectory)
    }

    @Test func `a file that is cut while it is read ends early`() throws {
        let yard = try Yard("head -c 1000000 /dev/zero >f")
        let file = try yard.files.openToRead(WorkspacePath("f"))
        #expect(file.status.size == 1_000_000)
        #expect(try file.bytes(count: 10).count == 10)
        try yard.shell("truncate -s 100 f")
        #expect(try file.bytes(count: 1_000_000).count == 100)
        #expect(try file.bytes(from: 100, count: 1_000_000) == [])
    }

    @Test func `pages are sorted by bytes and complete`() throws {
        let yard = try Yard(
            "mkdir d; cd d; for i in $(seq 1 250); do : >f$i; done; : >Z; : >ä; : >' a'; ln -s x l")
        var names: [String] = []
        var cursor: ListCursor?
        var pages = 0
        repeat {
            let page = try yard.files.list(WorkspacePath("d"), after: cursor, limit: 100)
            names += page.entries.map(\.name)
            #expect(page.entries.count <= 100)
            // As a client gives it back.
            cursor = try page.next.map { try ListCursor("\($0)") }
            pages += 1
        } while cursor != nil
        #expect(pages == 3)
        #expect(names == names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
        #expect(Set(names) == Set(File.names(in: yard("d"))) && names.count == 254)
        #expect(try yard.files.list(WorkspacePath("d")).entries.first { $0.name == "l" }?.target == "x")
        #expect(try yard.files.list(.root).entries.map(\.name) == ["d"])
        #expect(code { _ = try yard.files.list(WorkspacePath("d/f1")) } == .notDirectory)
        for limit in [0, -1, 1001] {
            #expect(code { _ = try yard.files.list(.root, limit: limit) } == .invalid)
        }
    }

    @Test func `a last page that is full says that it is the last`() throws {
        let yard = try Yard("for i in $(seq 1 10); do : >f$i; done")
        let page = try yard.files.list(.root, limit: 10)
        #expect(page.entries.count == 10 && page.next == nil)
        #expect(try yard.files.list(.root, limit: 9).next != nil)
    }

    @Test func `what stays is listed once, whatever comes and goes between pages`() throws {
        let yard = try Yard("for i in $(seq 100 299); do : >stay$i; : >gone$i; done")
        var seen: [String] = []
        var cursor: ListCursor?
        var page = 0
        repeat {
            let listed = try yard.files.list(.root, after: cursor, limit: 37)
            seen += listed.entries.map(\.name)
            cursor = listed.next
            // The name that the cursor stands for goes too.
            try yard.shell("rm -f gone*; for i in 1 2 3; do : >new$i-\(page); : >a$i-\(page); done")
            if let last = listed.entries.last?.name, !last.hasPrefix("stay") { try? File.remove(yard(last)) }
            page += 1
        } while cursor != nil
        let stayed = seen.filter { $0.hasPrefix("stay") }
        #expect(stayed == (100...299).map { "stay\($0)" })
        #expect(Set(seen).count == seen.count)
    }

    @Test func `a name that is not UTF-8 is shown and cannot be asked for`() throws {
        let yard = try Yard("mkdir d; : >\"$(printf 'd/\\377x')\"; : >\"$(printf 'd/\\376')\"; : >d/good")
        let page = try yard.files.list(WorkspacePath("d"), limit: 2)
        #expect(page.entries.map(\.isNameWhole) == [true, false])
        #expect(page.entries[1].name == "\u{FFFD}")
        let rest = try yard.files.list(WorkspacePath("d"), after: page.next)
        #expect(rest.entries.map(\.name) == ["\u{FFFD}x"])
        #expect(code { _ = try yard.files.entry(WorkspacePath("d/\u{FFFD}x")) } == .notFound)
        try yard.files.remove(WorkspacePath("d"), recursive: true)
        #expect(try yard.listing() == "")
    }

    @Test func `a directory is listed with the memory of a page`() async throws {
        let many = Effort.isFull ? 100_000 : 6_000
        let yard = try Yard("mkdir d; cd d; seq -f 'name-with-some-length-%06g' 1 \(many) | xargs touch")
        // The peak of a process of its own: the tests beside this one have theirs.
        await #expect(processExitsWith: .success) {
            [path = yard.directory("inside") as String] in
            let files = try WorkspaceFiles(FileDescriptor.open(path, O_RDONLY | O_DIRECTORY))
            var page = try files.list(WorkspacePath("d"), limit: 500)
            let before = peakMemory()
            // Not to the end: each of them reads the whole directory.
            var count = page.entries.count
            for _ in 0..<10 {
                page = try files.list(WorkspacePath("d"), after: page.next, limit: 500)
                count += page.entries.count
            }
            #expect(count == 5500)
            let grown = peakMemory() - before
            // A sanitizer keeps what was freed.
            if !Effort.isSanitized { #expect(grown < 1 << 20, "grew by \(grown) bytes") }
        }
    }
}

/// The most memory that this process had at once since it was started, in bytes. Not getrusage(2), which
/// keeps what the process was before its exec.
private func peakMemory() -> Int {
    let line = (File.text("/proc/self/status") ?? "").split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    return (line?.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) } ?? 0) << 10
}
