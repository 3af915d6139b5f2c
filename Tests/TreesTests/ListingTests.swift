import Linux
import TestSupport
import Testing
import Trees

/// The digest of a tree, and what it refuses.
@Suite struct ListingTests {
    private func make(_ script: String) throws -> TemporaryDirectory {
        let directory = try TemporaryDirectory()
        let outcome = try Program.run(["sh", "-ec", "umask 022; \(script)"], directory: directory.path)
        try #require(outcome.status == 0, "\(outcome.errors)")
        return directory
    }

    private func listing(
        _ directory: TemporaryDirectory, limits: TreeLimits = TreeLimits()
    ) throws -> TreeListing {
        try TreeListing(of: FileDescriptor.open(directory.path, 0), limits: limits)
    }

    private static let tree = "mkdir -p a/b; echo hello >a/b/c; echo x >z; ln -s ../z a/l; chmod 755 z"

    @Test func `it is the SHA-256 of the records that the documentation describes`() throws {
        let hello = SHA256.of(Array("hello\n".utf8))
        let x = SHA256.of(Array("x\n".utf8))
        let records =
            "d\u{0}755\u{0}0\u{0}\u{0}a\u{0}\nd\u{0}755\u{0}0\u{0}\u{0}a/b\u{0}\n"
            + "f\u{0}644\u{0}6\u{0}\(hello)\u{0}a/b/c\u{0}\nl\u{0}0\u{0}4\u{0}../z\u{0}a/l\u{0}\n"
            + "f\u{0}755\u{0}2\u{0}\(x)\u{0}z\u{0}\n"
        let listing = try listing(make(Self.tree))
        #expect(listing.digest == SHA256.of(Array(records.utf8)))
        #expect(listing.count.entries == 5 && listing.count.bytes == 8)
    }

    @Test func `the digest of SHA-256 is that of FIPS 180-4`() {
        #expect(
            SHA256.of(Array("abc".utf8)) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        )
    }

    @Test(arguments: ["touch -d 2001-01-01 z a", "mv z y; mv y z", "cp z y; mv y z; chmod 755 z"])
    func `times and inodes change nothing`(script: String) throws {
        #expect(try listing(make(Self.tree)).digest == listing(make("\(Self.tree); \(script)")).digest)
    }

    @Test(arguments: [
        "chmod 644 z", "echo y >z", "mv z y", "ln -sfn ../a a/l", "mkdir e", "rm a/l", "chmod 700 a",
        "rm z; ln -s x z", "mv a/b/c a/c",
    ])
    func `everything that a program could tell apart changes it`(script: String) throws {
        #expect(try listing(make(Self.tree)).digest != listing(make("\(Self.tree); \(script)")).digest)
    }

    @Test(arguments: [
        ("chmod 4755 z", "\"z\"", "mode 4755"), ("chmod 775 a", "\"a\"", "mode 775"),
        ("chmod 1755 a/b", "\"a/b\"", "mode 1755"), ("mkfifo a/p", "\"a/p\"", "fifo"),
        ("touch \"$(printf 'a/\\377')\"", "\"a/", "UTF-8"),
    ])
    func `what no import makes is refused by name`(script: String, entry: String, why: String) throws {
        let directory = try make("\(Self.tree); \(script)")
        // What the removal of a temporary directory cannot name.
        defer { _ = try? Program.run(["rm", "-r", directory("a")]) }
        do {
            _ = try listing(directory)
            Issue.record("\(script) was accepted")
        } catch let error as TreeError {
            #expect("\(error)".contains(entry) && "\(error)".contains(why), "\(error)")
        }
    }

    @Test func `limits hold for reading too`() throws {
        let directory = try make(Self.tree)
        for limits in [TreeLimits(entries: 4), TreeLimits(bytes: 7), TreeLimits(depth: 2)] {
            #expect(throws: TreeError.self) { try listing(directory, limits: limits) }
        }
        #expect(throws: Never.self) {
            try listing(directory, limits: TreeLimits(entries: 5, bytes: 8, depth: 3))
        }
    }
}
