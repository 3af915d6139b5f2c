import TestSupport
import Testing
import Wire

/// What `corral-unpack workspace` takes and refuses; it confines itself, so each of these is confined.
@Suite struct WorkspaceArchiveTests {
    static func unpack(
        _ archive: [UInt8], _ words: [String] = [], in directory: String
    ) throws -> Program.Outcome {
        try Program.run(
            ["sh", "-c", "exec \"$0\" workspace \"$@\" 3<.", Product.path("corral-unpack")] + words,
            stdin: archive, timeout: 120 * Host.patience, directory: directory)
    }

    private static let limits = ["--depth", "100"]
    static let all = BadArchive.names + BadArchive.amounts + BadArchive.damage

    @Test(arguments: all) func `a bad archive is refused, with its reason, and changes nothing outside`(
        bad: BadArchive
    ) throws {
        let place = try Place()
        let outcome = try Self.unpack(try bad.bytes, bad.words + Self.limits, in: place.tree)
        #expect(outcome.status == bad.status, "\(outcome.errors)\(outcome.output)")
        #expect(outcome.errors.contains(bad.says), "\(outcome.errors)")
        #expect(outcome.errors.hasPrefix("corral-unpack: "), "\(outcome.errors)")
        #expect(outcome.errors.split(separator: "\n").count == 1 && outcome.output == "")
        #expect(place.isWhole)
    }

    @Test(arguments: all.filter(\.fools)) func `a program that trusts archives takes it`(bad: BadArchive)
        throws
    {
        let directory = try TemporaryDirectory()
        try File.makeDirectories(directory("a/b/c"))
        let outcome = try Program.run(
            [Archive.python, "-c", BadArchive.naive], stdin: try bad.bytes, timeout: 120 * Host.patience,
            directory: directory("a/b/c"))
        #expect(outcome.status == 0, "\(outcome.errors)")
    }

    private static let good = """
        directory('d'); file('d/a', b'x' * 3000, mode=0o755); file('e/f/g', os.urandom(70000))
        symlink('d/l', '../e/f/g'); hardlink('h', 'd/a'); file('\\u6570 \\n', b''); file('old', mode=0o4777)
        """
    private static let goodZip = """
        put('d/', '', 0o40750); put('d/a', 'x' * 3000, 0o100755); put('e/f/g', os.urandom(70000))
        put('d/l', '../e/f/g', 0o120777); put('\\u6570', '', method=zipfile.ZIP_STORED); put('s', b'y' * 200000, method=0)
        """

    @Test(arguments: ["cat", "gzip", "zstd"]) func `a tar file becomes what it says`(program: String) throws {
        let plain = try BadArchive.raw("", "\(Self.good)\ndata = tarred()", 0, "").bytes
        let place = try Place()
        let archive = program == "cat" ? plain : try Archive.compressed(plain, program)
        let outcome = try Self.unpack(archive, Self.limits, in: place.tree)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(
            outcome.output
                == "{\"files\":4,\"directories\":1,\"links\":2,\"bytes\":73003}\n", "\(outcome.output)")
        let listed = try Program.run(
            ["find", ".", "-mindepth", "1", "-printf", "%m %y %s %P %l;"], directory: place.tree)
        let entries = listed.output.split(separator: ";").map(String.init)
        for expected in [
            "755 f 3000 d/a ", "644 f 70000 e/f/g ", "777 l 8 d/l ../e/f/g", "755 f 3000 h ", "777 f 3 old ",
        ] {
            #expect(entries.contains(expected), "\(entries)")
        }
        #expect(entries.count == 9, "\(entries)")
    }

    @Test func `permissions are the archive's, of its top directory as well, and no other bits`() throws {
        let plain = try BadArchive.raw(
            "",
            """
            entry('.', tarfile.DIRTYPE, mode=0o2770); file('w', b'', mode=0o666); file('s', b'', mode=0o6775)
            entry('open', tarfile.DIRTYPE, mode=0o1777); entry('shut', tarfile.DIRTYPE, mode=0o077)
            data = tarred()
            """, 0, ""
        ).bytes
        let place = try Place()
        let outcome = try Self.unpack(plain, Self.limits, in: place.tree)
        #expect(outcome.status == 0, "\(outcome.errors)")
        let listed = try Program.run(["find", ".", "-printf", "%m %p;"], directory: place.tree)
        #expect(
            listed.output.split(separator: ";").sorted()
                == ["666 ./w", "770 .", "775 ./s", "777 ./open", "777 ./shut"])
    }

    @Test func `a zip file becomes what it says, streamed or not`() throws {
        let plain = try BadArchive.raw("", "\(Self.goodZip)\ndata = zipped()", 0, "").bytes
        // Written to what cannot be sought in: with data descriptors.
        let streamed = try BadArchive.raw(
            "",
            """
            class Pipe:
                def __init__(self): self.parts = []
                def write(self, data):
                    self.parts.append(bytes(data))
                    return len(data)
                def flush(self): pass
            pipe = Pipe()
            zip = zipfile.ZipFile(pipe, 'w', zipfile.ZIP_DEFLATED)
            \(Self.goodZip)
            with zip.open('wide', 'w', force_zip64=True) as file: file.write(b'wide')
            zip.close()
            data = b''.join(pipe.parts)
            """, 0, ""
        ).bytes
        for (archive, more) in [(plain, 0), (streamed, 1)] {
            let place = try Place()
            let outcome = try Self.unpack(archive, Self.limits, in: place.tree)
            #expect(outcome.status == 0, "\(outcome.errors)")
            let listed = try Program.run(
                ["find", ".", "-mindepth", "1", "-printf", "%m %y %s %P %l;"], directory: place.tree)
            let entries = listed.output.split(separator: ";").map(String.init)
            for expected in [
                "755 f 3000 d/a ", "644 f 70000 e/f/g ", "777 l 8 d/l ../e/f/g", "644 f 0 数 ",
                "644 f 200000 s ",
            ] {
                #expect(entries.contains(expected), "\(entries)")
            }
            #expect(entries.count == 8 + more && place.isWhole, "\(entries)")
        }
    }

    @Test func `names that differ in case alone are taken when that is asked for`() throws {
        let place = try Place()
        let archive = try BadArchive.raw("", "file('a')\nfile('A')\ndata = tarred()", 0, "").bytes
        let outcome = try Self.unpack(archive, ["--case-sensitive"] + Self.limits, in: place.tree)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(File.names(in: place.tree).sorted() == ["A", "a"])
    }

    @Test func `an archive of nothing is taken`() throws {
        for script in ["data = tarred()", "data = zipped()"] {
            let place = try Place()
            let outcome = try Self.unpack(
                try BadArchive.raw("", script, 0, "").bytes, Self.limits, in: place.tree)
            #expect(outcome.status == 0 && File.names(in: place.tree).isEmpty, "\(outcome.errors)")
        }
    }

    @Test func `an unpacker can do nothing but make files below its directory`() throws {
        func attempts(_ words: String) throws -> [String: String] {
            let directory = try TemporaryDirectory()
            try File.makeDirectories(directory("tree"))
            let outcome = try Program.run(
                ["sh", "-c", "exec \"$0\" confinement \(words) 3<.", Product.path("corral-unpack")],
                directory: directory("tree"))
            try #require(outcome.status == 0, "\(outcome.errors)")
            #expect(File.names(in: directory.path).contains("made") == !words.isEmpty)
            guard case .object(let members) = try JSONTree(parsing: Array(outcome.output.utf8)).value else {
                return [:]
            }
            return Dictionary(
                uniqueKeysWithValues: members.map { member in
                    guard case .string(let text) = member.value.value else { return (member.key, "") }
                    return (member.key, text)
                })
        }
        let (confined, open) = (try attempts(""), try attempts("--open"))
        #expect(confined["write"] == "done")
        #expect(confined.filter { $0.value == "done" }.count == 1, "\(confined)")
        // The same attempts without the layers: each of them works.
        #expect(open.count == confined.count && open.values.allSatisfy { $0 == "done" }, "\(open)")
    }
}
