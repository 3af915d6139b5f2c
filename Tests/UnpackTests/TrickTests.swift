import TestSupport
import Testing

/// Archives that try to lead out of the tree (area I of the attack cases).
@Suite struct TrickTests {
    struct Trick: Sendable, CustomTestStringConvertible {
        let name: String
        let script: String
        /// What the sentence must say: the entry, and what was wrong with it.
        let says: [String]
        var testDescription: String { name }
    }

    static let tricks = [
        Trick(name: "..", script: "file('../x')", says: ["\"../x\"", ".."]),
        Trick(name: ".. in the middle", script: "file('a/../../x')", says: ["\"a/../../x\"", ".."]),
        Trick(name: ".. at the end", script: "directory('a/..')", says: ["\"a/../\"", ".."]),
        Trick(name: "absolute", script: "file('/tmp/corral-absolute')", says: ["absolute"]),
        Trick(
            name: "a link, then through it", script: "symlink('d', '..')\nfile('d/x')",
            says: ["\"d/x\"", "\"d\"", "symbolic link"]),
        Trick(
            name: "an absolute link, then through it", script: "symlink('d', '/tmp')\nfile('d/corral-x')",
            says: ["\"d/corral-x\"", "symbolic link"]),
        Trick(
            name: "a link deep down", script: "symlink('a/b/c', '../../..')\ndirectory('a/b/c/d')",
            says: ["\"a/b/c/d\"", "\"c\""]),
        Trick(
            name: "a link out of the tree", script: "hardlink('x', '../secret')", says: ["../secret", ".."]),
        Trick(name: "an absolute hard link", script: "hardlink('x', '/etc/passwd')", says: ["absolute"]),
        Trick(
            name: "a hard link through a link", script: "symlink('d', '..')\nhardlink('x', 'd/secret')",
            says: ["\"d/secret\"", "symbolic link"]),
        Trick(
            name: "a hard link of a link", script: "symlink('l', '../secret')\nhardlink('x', 'l')",
            says: ["\"x\"", "symlink"]),
        Trick(name: "a hard link to itself", script: "file('x')\nhardlink('x', 'x')", says: ["itself"]),
        Trick(name: "a hard link of nothing", script: "hardlink('x', 'y')", says: ["\"x\"", "not there"]),
        Trick(
            name: "a hard link of a directory", script: "directory('d')\nhardlink('x', 'd')",
            says: ["\"x\"", "a directory"]),
        Trick(name: "the root as a link", script: "symlink('.', '..')", says: ["root"]),
        Trick(name: "the root as a file", script: "file('.')", says: ["root"]),
        Trick(name: "below a file", script: "file('f')\nfile('f/x')", says: ["\"f/x\"", "a file"]),
        Trick(name: "a long name", script: "file('n' * 256)", says: ["256 bytes"]),
        Trick(name: "a long path", script: "file('/'.join(['n' * 100] * 50))", says: ["5049 bytes"]),
        Trick(name: "a deep path", script: "file('d/' * 300 + 'x')", says: ["301 names deep"]),
        Trick(name: "4096 deep", script: "file('d/' * 4096 + 'x')", says: ["at most 4095"]),
        Trick(
            name: "a name that is not UTF-8", script: "file(b'\\xff\\xfe'.decode('utf8', 'surrogateescape'))",
            says: ["not UTF-8"]),
        Trick(name: "a whiteout of ..", script: "file('d/.wh...')", says: ["whiteout"]),
        Trick(name: "a whiteout of nobody", script: "file('.wh.')", says: ["whiteout"]),
        Trick(
            name: "a whiteout through a link", script: "symlink('d', '..')\nfile('d/.wh.secret')",
            says: ["symbolic link"]),
    ]

    @Test(arguments: tricks) func `a trick is refused, by name, and changes nothing outside`(trick: Trick)
        throws
    {
        let place = try Place()
        let outcome = try place.unpack(try Archive.make(trick.script))
        #expect(outcome.status == 3, "\(outcome.errors)")
        #expect(outcome.errors.hasPrefix("corral-unpack: entry \""), "\(outcome.errors)")
        #expect(outcome.errors.split(separator: "\n").count == 1 && outcome.output == "")
        for part in trick.says { #expect(outcome.errors.contains(part), "\(outcome.errors)") }
        #expect(place.isWhole)
    }

    /// The tricks are real: extraction without a check follows them.
    @Test(arguments: [
        "file('../x')", "symlink('d', '..')\nfile('d/x')", "hardlink('x', '../secret')\nfile('x')",
    ])
    func `an extractor that trusts the archive is led outside`(script: String) throws {
        let place = try Place()
        let extract = """
            import io, sys, tarfile
            tar = tarfile.open(fileobj=io.BytesIO(sys.stdin.buffer.read()))
            tar.extraction_filter = lambda member, path: member
            for member in tar:
                if not member.islnk():
                    tar.extract(member)
                    continue
                import os
                os.link(member.linkname, member.name)
            """
        let outcome = try Program.run(
            [Archive.python, "-c", extract], stdin: try Archive.make(script), directory: place.tree)
        #expect(outcome.status == 0 && !place.isWhole, "\(outcome.errors)")
    }

    @Test func `control characters of a name do not reach the terminal`() throws {
        let outcome = try Place().unpack(try Archive.make("file('../\\x1b[31m\\nred')"))
        #expect(outcome.status == 3)
        #expect(outcome.errors.contains("../\\u{1b}[31m\\u{a}red"), "\(outcome.errors)")
    }
}
