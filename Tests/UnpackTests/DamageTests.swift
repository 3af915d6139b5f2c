import TestSupport
import Testing

/// Archives that are damaged or too much, and what the report says of whole ones.
@Suite struct DamageTests {
    private static let script = "file('a', b'x' * 3000)\ndirectory('d')\nfile('d/b', bytes(range(256)) * 40)"

    @Test(arguments: ["cat", "gzip", "zstd"])
    func `plain, gzip and zstd give the same tree, and the digest of the plain bytes`(program: String) throws
    {
        let plain = try Archive.make(Self.script)
        let archive = program == "cat" ? plain : try Archive.compressed(plain, program)
        let place = try Place()
        let outcome = try place.unpack(archive)
        let report = try Report(outcome.output)
        let sum = try Program.run(["sha256sum"], stdin: plain)
        #expect(report.text("plainDigest").map { "\($0)  -\n" } == sum.output)
        #expect(
            report.number("plainBytes") == plain.count && report.number("compressedBytes") == archive.count)
        #expect(report.number("bytes") == 13240 && report.number("entries") == 3)
        #expect(try place.listing() == ["644 f a", "644 f d/b", "755 d d"])
    }

    @Test(arguments: ["cat", "gzip", "zstd"], [1, 100, 512, 1024, 2048, 4096, 7000, -1])
    func `an archive that is cut short is damaged`(program: String, cut: Int) throws {
        let plain = try Archive.make(
            "file('a', b'x' * 3000)\nfile('b', bytes(range(256)) * 40)\nimport random\nfile('c', random.Random(1).randbytes(9216))"
        )
        let archive = program == "cat" ? plain : try Archive.compressed(plain, program)
        // Python fills up to 10240 bytes with zeros, of which 1024 are the end marker.
        let whole = program == "cat" ? 3 * 512 + 3072 + 10240 + 9216 + 1024 : archive.count
        let count = cut < 0 ? whole + cut : cut
        let outcome = try Place().unpack(Array(archive.prefix(count)))
        #expect(outcome.status == 4, "\(outcome.errors)")
        #expect(outcome.errors.hasPrefix("corral-unpack: ") && outcome.output == "")
    }

    @Test func `an archive that ends between two entries is cut short`() throws {
        // Content that ends like an archive, as a layer in a docker-archive does, is no end.
        for content in ["b'x' * 512", "bytes(4096)"] {
            let plain = try Archive.make("file('a', \(content))\nfile('b')")
            let outcome = try Place().unpack(Array(plain.prefix(content == "bytes(4096)" ? 4608 : 1024)))
            #expect(outcome.status == 4 && outcome.errors.contains("end marker"), "\(outcome.errors)")
            let half = try Place().unpack(Array(try Archive.make("file('a', \(content))").prefix(5120)))
            #expect((half.status == 4) == (content == "bytes(4096)"), "\(half.errors)")
        }
    }

    @Test func `an archive of nothing but its end is an empty layer`() throws {
        let place = try Place()
        let outcome = try place.unpack([UInt8](repeating: 0, count: 1024))
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(try place.listing() == [])
    }

    @Test func `bytes that are no archive are damaged`() throws {
        for bytes in [[], Array("hello".utf8), [UInt8](repeating: 0x41, count: 5000)] {
            let outcome = try Place().unpack(bytes)
            #expect(outcome.status == 4, "\(outcome.errors)")
        }
        let zip =
            "import io,sys,zipfile\nb=io.BytesIO()\nz=zipfile.ZipFile(b,'w')\nz.writestr('a','b')\nz.close()\nsys.stdout.buffer.write(b.getvalue())"
        #expect(try Place().unpack(try Program.run([Archive.python, "-c", zip]).stdout).status == 4)
    }

    @Test func `an archive that is compressed twice is refused`() throws {
        let once = try Archive.compressed(try Archive.make(Self.script), "gzip")
        let outcome = try Place().unpack(try Archive.compressed(once, "gzip"))
        #expect(outcome.status == 4 && outcome.errors.contains("more than once"), "\(outcome.errors)")
    }

    @Test func `a flipped byte of a header is noticed`() throws {
        var archive = try Archive.make(Self.script)
        archive[3] ^= 0x20
        #expect(try Place().unpack(archive).status == 4)
    }

    // MARK: Too much

    @Test(arguments: ["gzip", "zstd"]) func `a bomb is refused before it fills the disk`(program: String)
        throws
    {
        let place = try Place()
        let bomb = try Program.run(
            ["sh", "-c", "{ python3 -c \(Self.bomb) && head -c 500000000 /dev/zero; } | \(program) -1c"])
        try #require(bomb.status == 0 && bomb.stdout.count < 4_000_000, "\(bomb.errors)")
        let outcome = try place.unpack(bomb.stdout)
        #expect(outcome.status == 3 && outcome.errors.contains("bomb"), "\(outcome.errors)")
    }

    /// The header of a file of 500,000,000 bytes.
    private static let bomb =
        "'import tarfile,sys; i=tarfile.TarInfo(\"zeros\"); i.size=500000000; sys.stdout.buffer.write(i.tobuf())'"

    @Test(arguments: [
        (["--entries", "2"], "entries"), (["--bytes", "12000"], "12000 bytes"),
        (["--file-bytes", "5000"], "5000"), (["--depth", "1"], "deep"),
    ])
    func `a limit is refused by its number`(words: [String], says: String) throws {
        let outcome = try Place().unpack(try Archive.make(Self.script), words)
        #expect(outcome.status == 3 && outcome.errors.contains(says), "\(outcome.errors)")
        #expect(outcome.errors.contains("d/b") || says == "deep", "\(outcome.errors)")
    }

    @Test func `holes stay holes, and count by the file's size`() throws {
        let place = try Place()
        let source = try TemporaryDirectory()
        let make = "truncate -s 200M sparse && echo end >>sparse && tar -Scf - sparse"
        let archive = try Program.run(["sh", "-c", make], directory: source.path)
        try #require(archive.status == 0, "\(archive.errors)")
        let outcome = try place.unpack(archive.stdout)
        #expect(try Report(outcome.output).number("bytes") == 209_715_204)
        let status = try Program.run(["stat", "-c", "%s %b", "\(place.tree)/sparse"]).output.split(
            separator: " ")
        #expect(status.first == "209715204")
        #expect((Int(status.last?.dropLast() ?? "") ?? .max) < 2048, "\(status)")
        let refused = try Place().unpack(archive.stdout, ["--bytes", "1000000"])
        #expect(refused.status == 3 && refused.errors.contains("\"sparse\""), "\(refused.errors)")
    }

    @Test(arguments: [
        ["--entries"], ["--entries", "0"], ["--entries", "-1"], ["--what", "1"], ["x", "y"],
    ])
    func `a wrong call says what was expected`(words: [String]) throws {
        let outcome = try Place().unpack([], words)
        #expect(outcome.status == 2 && outcome.errors.hasPrefix("corral-unpack: "))
    }
}
