import TestSupport
import Testing

/// Archives that no workspace may have, made by Python's tarfile and zipfile.
struct BadArchive: Sendable, CustomTestStringConvertible {
    let name: String
    /// Leaves the archive in `data`.
    let script: String
    /// The exit code of the unpacker: 3 for what is refused, 4 for what is damaged.
    let status: CInt
    let says: String
    /// Whether a program that trusts archives takes it.
    var fools = true
    var words: [String] = []
    var testDescription: String { name }

    static func tar(
        _ name: String, _ body: String, _ says: String, fools: Bool = true,
        words: [String] = []
    ) -> BadArchive {
        BadArchive(
            name: "tar: \(name)", script: "\(body)\ndata = tarred()", status: 3, says: says,
            fools: fools,
            words: words)
    }

    static func zip(
        _ name: String, _ body: String, _ says: String, fools: Bool = true,
        words: [String] = []
    ) -> BadArchive {
        BadArchive(
            name: "zip: \(name)", script: "\(body)\ndata = zipped()", status: 3, says: says,
            fools: fools,
            words: words)
    }

    static func raw(_ name: String, _ body: String, _ status: CInt, _ says: String, fools: Bool = false)
        -> BadArchive
    { BadArchive(name: name, script: body, status: status, says: says, fools: fools) }

    static let names: [BadArchive] = [
        .tar("..", "file('../out')", ".. in it"), .zip("..", "put('../out')", ".. in it"),
        .tar("absolute", "file('/proc/self/cwd/x')", "absolute"),
        .zip("absolute", "put('/proc/self/cwd/x')", "absolute"),
        .tar("a link out", "symlink('l', '../..')", "is a link to"),
        .zip("a link out", "put('l', '../..', 0o120777)", "is a link to"),
        .tar("an absolute link", "symlink('l', '/etc')", "is a link to"),
        .tar("a link that goes up behind a name", "symlink('d/l', 'x/../../..')", "is a link to"),
        .tar(
            "a link, then through it", "directory('d')\nsymlink('l', 'd')\nfile('l/x')",
            "as a directory and as none"),
        .tar("a hard link out", "hardlink('h', '../secret')", ".. in it", fools: false),
        .tar("a hard link of nothing", "hardlink('h', 'none')", "not there", fools: false),
        .tar("a device", "special('d', tarfile.CHRTYPE)", "is a device", fools: false),
        .tar("a FIFO", "special('p', tarfile.FIFOTYPE)", "is a fifo"),
        .zip("a device", "put('d', '', 0o020666)", "is a device"),
        .zip("a FIFO", "put('p', '', 0o010666)", "is a fifo"),
        .tar("a name twice", "file('x', b'good')\nfile('x', b'evil')", "twice"),
        .zip("a name twice", "put('x', 'good')\nput('x', 'evil')", "twice"),
        .tar("a directory twice", "directory('d')\ndirectory('d')", "twice"),
        .tar("a file, then below it", "file('f')\nfile('f/x')", "as a directory and as none", fools: false),
        .tar(
            "a directory, then a file", "file('d/x')\nfile('d')", "as a directory and as none", fools: false),
        .tar("case", "file('Read')\nfile('rEAD')", "in case alone"),
        .zip("case", "put('a/x')\nput('A/y')", "in case alone"),
        .tar("case of other letters", "file('STRASSE')\nfile('straße')", "in case alone"),
        .tar("composed and not", "file('\\u00e9')\nfile('e\\u0301')", "in case alone"),
        .tar("not UTF-8", "file(b'\\xff'.decode('utf8', 'surrogateescape'))", "not UTF-8"),
        .zip("not UTF-8", "put('ab')", "not UTF-8").with("data = data.replace(b'ab', b'\\xff\\xfe')"),
        .tar("too deep", "file('d/' * 100 + 'x')", "101 names deep"),
        .zip("too deep", "put('d/' * 100 + 'x')", "101 names deep"),
        .tar("the root as a link", "symlink('.', 'x')", "root", fools: false),
    ]

    static let amounts: [BadArchive] = [
        .tar("a bomb", "file('x', bytes(100 << 20))", "more than 100 times").with(
            "data = gzip.compress(data)"),
        .zip("a bomb", "put('x', bytes(100 << 20))", "more than 100 times"),
        .zip("a bomb of many", "[put(str(i), bytes(8 << 20)) for i in range(8)]", "more than 100 times"),
        .tar(
            "holes", "sparse('x', 1 << 33)", "more than 100 times", fools: false,
            words: ["--bytes", "\(1 << 40)", "--file-bytes", "\(1 << 40)"]),
        .tar(
            "more entries than may be", "[file(str(i)) for i in range(11)]", "one more than the 10 entries",
            words: ["--entries", "10"]),
        .zip(
            "more entries than may be", "[put(str(i)) for i in range(11)]", "expected at most 10",
            words: ["--entries", "10"]),
        .tar(
            "more bytes than may be", "file('x', b'x' * 600)\nfile('y', b'y' * 600)",
            "more than the 1000 bytes",
            words: ["--bytes", "1000"]),
        .zip(
            "more bytes than may be", "put('x', 'x' * 600)\nput('y', 'y' * 600)", "more than the 1000 bytes",
            words: ["--bytes", "1000"]),
    ]

    static let damage: [BadArchive] = [
        .raw("nothing", "data = b''", 4, "empty"),
        .raw("text", "data = b'hello ' * 500", 4, "no tar archive"),
        .raw("a program", "data = open('/bin/true', 'rb').read()", 4, "no tar archive"),
        .raw(
            "another kind of archive", "data = b'7z\\xbc\\xaf\\x27\\x1c' + bytes(4000)", 4, "no tar archive"),
        .raw("gzip of nothing like it", "data = gzip.compress(b'hello ' * 500)", 4, "no tar archive"),
        .raw(
            "twice compressed", "file('x')\ndata = gzip.compress(gzip.compress(tarred()))", 4,
            "more than once"),
        .raw("tar: cut in a file", "file('x', b'x' * 5000)\ndata = tarred()[:3000]", 4, "cut short"),
        .raw(
            "tar: cut behind a file", "file('x', b'x' * 512)\nfile('y')\ndata = tarred()[:1024]", 4,
            "cut short",
            fools: true),
        .raw(
            "gzip: cut", "file('x', os.urandom(5000))\ndata = gzip.compress(tarred())[:-100]", 4, "truncated"),
        .raw("zip: cut", "put('x', os.urandom(5000))\ndata = zipped()[:-30]", 4, "cut short"),
        .raw("zip: cut in a file", "put('x', os.urandom(5000))\ndata = zipped()[:2000]", 4, "cut short"),
        .raw(
            "tar: bytes behind the end", "file('x')\ndata = tarred() + b'more'", 4, "end marker",
            fools: true),
        .raw(
            "tar: another one behind it", "file('x')\ndata = tarred() * 2", 4, "behind its end", fools: true),
        .raw(
            "gzip: bytes behind the end", "file('x')\ndata = gzip.compress(tarred()) + b'more'", 4,
            "behind its end"),
        .raw(
            "zip: bytes behind the end", "put('x')\ndata = zipped() + b'more'", 4, "behind its end",
            fools: true),
        .raw(
            "zip: a comment", "put('x')\nzip.comment = b'more'\ndata = zipped()", 4, "behind its end",
            fools: true),
        .raw(
            "zip: bytes in front", "put('x')\ndata = b'PK' + zipped()", 4, "directory is not where",
            fools: true),
        .raw("tar: a size that lies", "file('x', b'x' * 5000)\ndata = lying(tarred())", 4, "archive"),
        .raw(
            "zip: more than it says", "put('x', 'x' * 5000)\ndata = changed(zipped(), 22, 24, 4999)", 4,
            "more than the 4999 bytes"),
        .raw(
            "zip: less than it says", "put('x', 'x' * 5000)\ndata = changed(zipped(), 22, 24, 5001)", 4,
            "expected 5001 bytes"),
        .raw(
            "zip: another sum", "put('x', 'x' * 5000)\ndata = changed(zipped(), 14, 16, 7)", 4, "another sum"),
        .raw(
            "zip: two sizes", "put('x', 'x' * 5000)\ndata = changed(zipped(), 22, None, 9)", 4, "disagree",
            fools: true),
        .raw("zip: two names", "put('good')\ndata = zipped().replace(b'good', b'evil', 1)", 4, "disagree"),
        .raw("zip: one content for two", "put('x')\nput('y')\ndata = overlapping(zipped())", 4, "entry"),
        .raw("zip: encrypted", "put('x')\ndata = changed(zipped(), 6, 8, 1, '<H')", 4, "encrypted"),
        .raw(
            "zip: another method", "put('x', 'x' * 500, method=zipfile.ZIP_BZIP2)\ndata = zipped()", 4,
            "method 12", fools: true),
        .raw(
            "zip: another count", "put('x')\nput('y')\ndata = miscounted(zipped())", 4, "entries", fools: true
        ),
        .raw(
            "zip: an entry that is left out", "put('x')\nput('y')\ndata = hidden(zipped())", 4, "entry",
            fools: true),
    ]

    private func with(_ line: String) -> BadArchive {
        BadArchive(
            name: name, script: "\(script)\n\(line)", status: status, says: says, fools: fools, words: words)
    }

    static let python = """
        import gzip, io, os, struct, sys, tarfile, warnings, zipfile
        warnings.simplefilter('ignore')
        out, zout = io.BytesIO(), io.BytesIO()
        tar = tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT, errors="surrogateescape")
        zip = zipfile.ZipFile(zout, 'w', zipfile.ZIP_DEFLATED)
        def entry(name, type, data=b"", mode=0o644, link="", **more):
            info = tarfile.TarInfo(name)
            info.type, info.mode, info.linkname, info.size = type, mode, link, len(data)
            tar.addfile(info, io.BytesIO(data))
        def file(name, data=b"new", **more): entry(name, tarfile.REGTYPE, data, **more)
        def directory(name): entry(name, tarfile.DIRTYPE, mode=0o755)
        def symlink(name, target): entry(name, tarfile.SYMTYPE, link=target)
        def hardlink(name, target): entry(name, tarfile.LNKTYPE, link=target)
        def special(name, type): entry(name, type)
        def sparse(name, size):
            info = tarfile.TarInfo(name)
            info.pax_headers = {"GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.name": name,
                "GNU.sparse.size": str(size), "GNU.sparse.numblocks": "1", "GNU.sparse.map": "0,3"}
            info.size = 3
            tar.addfile(info, io.BytesIO(b"new"))
        def put(name, data='new', mode=0o100644, method=zipfile.ZIP_DEFLATED):
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr, info.compress_type = 3, mode << 16, method
            zip.writestr(info, data)
        def tarred():
            tar.close()
            return out.getvalue()
        def zipped():
            zip.close()
            return zout.getvalue()
        def lying(data):
            head = bytearray(data[:512])
            head[124:136] = b'%011o\\0' % 600
            head[148:156] = b'        '
            head[148:156] = b'%06o\\0 ' % sum(head)
            return bytes(head) + data[512:]
        def changed(data, local, central, value, form='<I'):
            data = bytearray(data)
            start = struct.unpack('<I', data[-6:-2])[0]
            struct.pack_into(form, data, local, value)
            if central is not None: struct.pack_into(form, data, start + central, value)
            return bytes(data)
        def second(data):
            start = struct.unpack('<I', data[-6:-2])[0]
            return start, start + 46 + struct.unpack('<H', data[start + 28:start + 30])[0]
        def overlapping(data):
            data = bytearray(data)
            first, next = second(data)
            struct.pack_into('<I', data, next + 42, 0)
            return bytes(data)
        def miscounted(data):
            data = bytearray(data)
            struct.pack_into('<HH', data, len(data) - 14, 1, 1)
            return bytes(data)
        def hidden(data):
            first, next = second(data)
            end = bytearray(data[-22:])
            struct.pack_into('<HHI', end, 8, 1, 1, next - first)
            return data[:next] + bytes(end)

        """

    var bytes: [UInt8] {
        get throws {
            let outcome = try Program.run(
                [Archive.python, "-c", Self.python + script + "\nsys.stdout.buffer.write(data)\n"],
                timeout: 60 * Host.patience)
            try #require(outcome.status == 0, "\(outcome.errors)")
            return outcome.stdout
        }
    }

    /// What takes names, kinds and sizes as they come.
    static let naive = """
        import gzip, io, os, sys, tarfile, zipfile
        data = sys.stdin.buffer.read()
        if data[:2] == b'\\x1f\\x8b': data = gzip.decompress(data)
        if data[:2] == b'PK':
            zip = zipfile.ZipFile(io.BytesIO(data))
            for info in zip.infolist():
                os.makedirs(os.path.dirname(info.filename) or '.', exist_ok=True)
                if info.external_attr >> 28 == 0o12:
                    os.symlink(zip.read(info), info.filename)
                    continue
                with open(info.filename, 'wb') as file: file.write(zip.read(info))
        else:
            tar = tarfile.open(fileobj=io.BytesIO(data), errors='surrogateescape')
            tar.extraction_filter = lambda member, path: member
            for member in tar:
                if member.name.startswith('/'): open(member.name, 'w')
                else: tar.extract(member)
        """
}
