import Glibc
import Linux
import TestSupport
import Testing
import Trees
import Workspace

/// A tree as a tar file, as other programs read it.
@Suite struct ArchiveTests {
    private func archive(
        _ yard: Yard, _ path: String, as prefix: String? = nil, limits: TreeLimits = TreeLimits()
    ) throws -> (bytes: [UInt8], count: TreeCount) {
        var stream = try yard.files.archive(WorkspacePath(path), as: prefix, limits: limits)
        var bytes: [UInt8] = []
        while true {
            let piece = try stream.next()
            if piece.isEmpty { break }
            #expect(piece.count < 300_000)
            bytes += piece
        }
        #expect(bytes.count % 512 == 0)
        return (bytes, stream.count)
    }

    @Test func `tar unpacks what was there`() throws {
        let long = String(repeating: "long name ", count: 20)
        let yard = try Yard(
            """
            mkdir -p t/d/empty t/ä; printf hello >t/d/f; chmod 640 t/d/f; : >t/nothing; ln -s ../../out t/l
            head -c 200001 /dev/urandom >t/big; head -c 1024 /dev/zero >t/even; printf x >'t/ä/ö\nü'
            mkdir 't/\(long)'; printf y >'t/\(long)/\(long)'; ln -s '\(long)/\(long)' t/longlink
            mkfifo t/p; touch -d 2001-02-03 t/d/f; touch -d 1960-01-01 t/big; chmod 700 t/d/empty
            chmod 4755 t/even
            """)
        let (bytes, count) = try archive(yard, "t", as: "u")
        #expect(
            count.files == 6 && count.directories == 5 && count.symlinks == 2 && count.skipped == ["fifo": 1])
        try File.write(bytes, to: yard("archive"))
        try yard.shell("rm t/p; chmod u-s t/even; tar -xpf archive; diff -r --no-dereference t u")
        let list = "find . -type l -printf '%P %l\\n' -o -printf '%P %y %m %Ts\\n' | grep -v ' d ' | sort"
        try yard.shell("(cd t; \(list)) >one; (cd u; \(list)) >two; cmp one two")
        // Another reader, which checks the sums.
        let names = try Program.run(
            ["python3", "-c", "import tarfile; print(len(tarfile.open('archive').getmembers()))"],
            directory: yard.directory("inside"))
        #expect(names.output == "13\n", "\(names.errors)")
    }

    @Test func `a file, a link and the workspace itself are archives too`() throws {
        let yard = try Yard("mkdir d; printf x >d/f; ln -s d/f l; mkfifo p")
        for (path, expected) in [
            ("d/f", "-rw-r--r-- f"), ("l", "lrwxrwxrwx l -> d/f"),
            (".", "drwxr-xr-x ./\ndrwxr-xr-x ./d/\n-rw-r--r-- ./d/f\nlrwxrwxrwx ./l -> d/f"),
        ] {
            let (bytes, _) = try archive(yard, path)
            let listed = try Program.run(["sh", "-c", "tar -tvf - | sort -k 6"], stdin: bytes)
            let lines = listed.output.split(separator: "\n").map { line in
                let words = line.split(separator: " ")
                return ([words[0]] + words.dropFirst(5)).joined(separator: " ")
            }
            #expect(lines.joined(separator: "\n") == expected)
        }
        #expect(code { _ = try archive(yard, "p") } == .notRegular)
        #expect(code { _ = try archive(yard, "l/") } == .notDirectory)
        #expect(code { _ = try archive(yard, "none") } == .notFound)
    }

    @Test func `a file that is cut while it is read keeps its promised size`() throws {
        let yard = try Yard("head -c 300000 /dev/zero | tr '\\0' x >f")
        var stream = try yard.files.archive(WorkspacePath("f"))
        var bytes = try stream.next()
        try yard.shell("truncate -s 100000 f")
        while true {
            let piece = try stream.next()
            if piece.isEmpty { break }
            bytes += piece
        }
        let content = try Program.run(["tar", "-xOf", "-"], stdin: bytes).stdout
        #expect(content.count == 300_000 && content.prefix(60_000).allSatisfy { $0 == UInt8(ascii: "x") })
        #expect(content.suffix(200_000).allSatisfy { $0 == 0 })
    }

    @Test func `limits hold, holes and other names of a file as well`() throws {
        let yard = try Yard("mkdir t; truncate -s 1T t/f; mkdir u; printf xxx >u/f; ln u/f u/g")
        #expect(code { _ = try archive(yard, "t") } == .limit)
        #expect(code { _ = try archive(yard, "u", limits: TreeLimits(bytes: 5)) } == .limit)
        #expect(code { _ = try archive(yard, "u", limits: TreeLimits(entries: 2)) } == .limit)
        #expect(try archive(yard, "u", limits: TreeLimits(entries: 3, bytes: 6)).count.files == 2)
    }

    // MARK: Zip

    private func zip(_ yard: Yard, _ path: String, limits: TreeLimits = TreeLimits()) throws -> [UInt8] {
        var stream = try yard.files.archive(WorkspacePath(path), .zip, limits: limits)
        var bytes: [UInt8] = []
        while true {
            let piece = try stream.next()
            if piece.isEmpty { return bytes }
            bytes += piece
        }
    }

    /// Lines of mode, kind, size, name and link's target, as Python's zipfile reads an archive, whose sums it checks.
    private func listed(_ archive: [UInt8]) throws -> [String] {
        let script = """
            import io, stat, sys, zipfile
            zip = zipfile.ZipFile(io.BytesIO(sys.stdin.buffer.read()))
            assert zip.testzip() is None
            for info in zip.infolist():
                mode = info.external_attr >> 16
                link = zip.read(info).decode() if stat.S_ISLNK(mode) else ''
                print('%o' % mode, info.file_size, repr(info.filename), link, info.date_time[0])
            """
        let outcome = try Program.run(["/usr/bin/python3", "-c", script], stdin: archive)
        try #require(outcome.status == 0, "\(outcome.errors)")
        return outcome.output.split(separator: "\n").map(String.init)
    }

    @Test func `Python's zipfile reads a zip file, with its modes, links and sums`() throws {
        let yard = try Yard(
            """
            mkdir -p t/d/empty; printf hello >t/d/f; chmod 640 t/d/f; : >t/nothing; ln -s ../../out t/l
            head -c 200001 /dev/urandom >t/big; mkfifo t/p; printf x >'t/ö'; truncate -s 100000 t/holes
            touch -d '2024-02-29 12:34:56 UTC' t/d/f; touch -d 1970-01-02 t/nothing; touch -d 2400-01-01 'tö' t/big
            find t -type d -exec touch -d 2024-01-01 {} +; touch -h -d 2024-01-01 t/l t/ö t/holes
            """)
        #expect(
            try listed(try zip(yard, "t")).sorted() == [
                "100640 5 't/d/f'  2024", "100644 0 't/nothing'  1980", "100644 1 't/ö'  2024",
                "100644 100000 't/holes'  2024", "100644 200001 't/big'  2107",
                "120777 9 't/l' ../../out 2024",
                "40755 0 't/'  2024", "40755 0 't/d/'  2024", "40755 0 't/d/empty/'  2024",
            ])
        let extract = "import io, sys, zipfile; z = zipfile.ZipFile(io.BytesIO(sys.stdin.buffer.read())); "
        let content = try Program.run(
            ["/usr/bin/python3", "-c", extract + "sys.stdout.buffer.write(z.read('t/big'))"],
            stdin: try zip(yard, "t"))
        #expect(content.stdout == (try File.read(yard("t/big"))))
        // Of the workspace itself the names have nothing in front; of a file there is one entry.
        #expect(try listed(try zip(yard, ".")).contains { $0.contains("'t/d/f'") })
        #expect(try listed(try zip(yard, "t/d/f")) == ["100640 5 'f'  2024"])
    }

    @Test func `a zip file of more than 65535 entries has the wide end that readers look for`() throws {
        let yard = try Yard("mkdir t; cd t; seq 1 65540 | xargs touch")
        #expect(try listed(try zip(yard, "t")).count == 65_541)
        #expect(code { _ = try zip(yard, "t", limits: TreeLimits(entries: 100)) } == .limit)
    }
}
