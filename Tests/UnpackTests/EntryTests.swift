import TestSupport
import Testing
import Wire

/// What becomes of the entries of honest archives, and of odd ones.
@Suite struct EntryTests {
    private func unpacked(_ script: String, over first: String? = nil) throws -> Place {
        let place = try Place()
        for script in [first, script].compactMap(\.self) {
            let outcome = try place.unpack(try Archive.make(script))
            try #require(outcome.status == 0, "\(outcome.errors)")
        }
        #expect(place.isWhole)
        return place
    }

    @Test func `files, directories and links are made, with the directories above them`() throws {
        let place = try unpacked(
            "file('./a/b/c.txt', b'hello')\nsymlink('l', '/etc/passwd')\nhardlink('h', 'a/b/c.txt')\ndirectory('d/')"
        )
        #expect(
            try place.listing() == [
                "644 f a/b/c.txt", "644 f h", "755 d a", "755 d a/b", "755 d d", "777 l l /etc/passwd",
            ])
        #expect(place.text("h") == "hello")
    }

    @Test func `modes are normalised`() throws {
        let place = try unpacked(
            """
            file('suid', mode=0o4755)
            file('sgid', mode=0o2711)
            file('world', mode=0o666)
            file('none', mode=0)
            directory('tmp', mode=0o1777)
            directory('shut', mode=0)
            file('shut/x')
            """)
        #expect(
            try place.listing() == [
                "400 f none", "644 f shut/x", "644 f world", "700 d shut", "711 f sgid", "755 d tmp",
                "755 f suid",
            ])
    }

    @Test func `what is no file, directory or link is left out and counted`() throws {
        let place = try Place()
        let outcome = try place.unpack(
            try Archive.make(
                "special('c', tarfile.CHRTYPE)\nspecial('b', tarfile.BLKTYPE)\nspecial('p', tarfile.FIFOTYPE)\nfile('f')"
            ))
        let report = try Report(outcome.output)
        #expect(report.number("skipped", "device") == 2 && report.number("skipped", "fifo") == 1)
        #expect(report.number("entries") == 4 && report.number("files") == 1)
        #expect(try place.listing() == ["644 f f"])
    }

    @Test(arguments: [
        ("file('x', b'first')\nfile('x', b'second')", ["644 f x"]),
        ("file('x')\ndirectory('x')\nfile('x/y')", ["644 f x/y", "755 d x"]),
        ("file('x/y/z')\nfile('x')", ["644 f x"]),
        ("symlink('x', '../secret')\nfile('x')", ["644 f x"]),
        ("symlink('x', '..')\ndirectory('x')\nfile('x/secret')", ["644 f x/secret", "755 d x"]),
        ("file('x')\nsymlink('x', 'y')", ["777 l x y"]),
        ("file('x')\nhardlink('y', 'x')\nfile('x', b'other')", ["644 f x", "644 f y"]),
        ("file('x/y')\nhardlink('x', 'x/y')", ["644 f x"]),
        ("file('README')\nfile('readme')", ["644 f README", "644 f readme"]),
        ("directory('d', mode=0o700)\ndirectory('d', mode=0o755)", ["755 d d"]),
    ])
    func `the last entry of a name is the one that stays, and never written through`(
        script: String, left: [String]
    ) throws {
        let place = try unpacked(script)
        #expect(try place.listing() == left)
        if script.contains("'other'") { #expect(place.text("y") == "new" && place.text("x") == "other") }
        if script.contains("'second'") { #expect(place.text("x") == "second") }
    }

    @Test func `a layer replaces what another one made, of whatever kind`() throws {
        let place = try unpacked(
            "file('d')\ndirectory('f')\ndirectory('f/x')\nfile('l')\nsymlink('dl/x', '/')",
            over: "directory('d/sub')\nfile('f', b'old')\nsymlink('l', '../secret')\nfile('dl/y')")
        #expect(
            try place.listing() == [
                "644 f d", "644 f dl/y", "644 f l", "755 d dl", "755 d f", "755 d f/x", "777 l dl/x /",
            ])
    }

    @Test func `names of other scripts and times are kept`() throws {
        let place = try unpacked("file('dé/日本', mtime=1000000000)")
        #expect(try place.listing() == ["644 f dé/日本", "755 d dé"])
        let time = try Program.run(["stat", "-c", "%Y", "\(place.tree)/dé/日本"])
        #expect(time.output == "1000000000\n")
    }

    // MARK: Whiteouts

    private static let lower = "file('a')\nfile('d/x')\nfile('d/y/z')\nsymlink('d/l', '../../secret')"

    @Test(arguments: [
        ("file('.wh.a')", ["644 f d/x", "644 f d/y/z", "755 d d", "755 d d/y", "777 l d/l ../../secret"]),
        ("file('.wh.d')", ["644 f a"]),
        ("file('d/.wh.l')", ["644 f a", "644 f d/x", "644 f d/y/z", "755 d d", "755 d d/y"]),
        ("file('d/.wh..wh..opq')", ["644 f a", "755 d d"]),
        // What the layer itself brings stays, whichever comes first.
        ("file('d/new')\nfile('d/.wh..wh..opq')", ["644 f a", "644 f d/new", "755 d d"]),
        ("file('d/.wh..wh..opq')\nfile('d/y/new')", ["644 f a", "644 f d/y/new", "755 d d", "755 d d/y"]),
        ("file('d/y/new')\nfile('.wh.d')", ["644 f a", "644 f d/y/new", "755 d d", "755 d d/y"]),
        ("file('a')\nfile('.wh.a')\nfile('.wh.d')", ["644 f a"]),
    ])
    func `a whiteout hides what lower layers have`(script: String, left: [String]) throws {
        #expect(try unpacked(script, over: Self.lower).listing() == left)
    }

    @Test func `whiteouts of nothing do nothing, and make no directory`() throws {
        let place = try unpacked("file('.wh.gone')\nfile('no/where/.wh.x')\nfile('nor/.wh..wh..opq')")
        #expect(try place.listing() == [])
    }

    @Test func `bookkeeping of aufs is left out`() throws {
        #expect(
            try unpacked("file('.wh..wh.aufs')\ndirectory('.wh..wh.plnk')\nfile('f')").listing() == [
                "644 f f"
            ])
    }
}

/// The line that the unpacker prints.
struct Report {
    private let tree: JSONTree.Value

    init(_ line: String) throws { tree = try JSONTree(parsing: Array(line.utf8)).value }

    private func value(_ path: [String]) -> JSONTree.Value? {
        var value: JSONTree.Value? = tree
        for name in path {
            guard case .object(let members) = value else { return nil }
            value = members.first { $0.key == name }?.value.value
        }
        return value
    }

    func number(_ path: String...) -> Int? {
        if case .number(let text) = value(path) { return Int(text) }
        return nil
    }

    func text(_ path: String...) -> String? {
        if case .string(let text) = value(path) { return text }
        return nil
    }
}
