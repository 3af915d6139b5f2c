import TestSupport
import Testing

/// Tar archives made by Python's tarfile, which writes whatever it is told to.
enum Archive {
    static let python = "/usr/bin/python3"

    /// - Parameter script: calls of `file`, `directory`, `symlink`, `hardlink` and `special`, one for each
    ///   entry, in order.
    static func make(_ script: String) throws -> [UInt8] {
        let outcome = try Program.run(
            [python, "-c", prelude + script + "\ntar.close()\nsys.stdout.buffer.write(out.getvalue())\n"])
        try #require(outcome.status == 0, "\(outcome.errors)")
        return outcome.stdout
    }

    private static let prelude = """
        import io, sys, tarfile
        out = io.BytesIO()
        tar = tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT, errors="surrogateescape")
        def entry(name, type, data=b"", mode=0o644, link="", **more):
            info = tarfile.TarInfo(name)
            info.type, info.mode, info.linkname, info.size = type, mode, link, len(data)
            for key, value in more.items():
                setattr(info, key, value)
            tar.addfile(info, io.BytesIO(data))
        def file(name, data=b"new", **more): entry(name, tarfile.REGTYPE, data, **more)
        def directory(name, mode=0o755): entry(name, tarfile.DIRTYPE, mode=mode)
        def symlink(name, target): entry(name, tarfile.SYMTYPE, link=target)
        def hardlink(name, target): entry(name, tarfile.LNKTYPE, link=target)
        def special(name, type): entry(name, type)

        """

    static func compressed(_ bytes: [UInt8], _ program: String) throws -> [UInt8] {
        let outcome = try Program.run([program, "-c"], stdin: bytes)
        try #require(outcome.status == 0, "\(outcome.errors)")
        return outcome.stdout
    }
}

/// A tree to unpack into, beside a file that nothing may touch.
struct Place {
    private let directory: TemporaryDirectory
    let tree: String
    private let secret: String

    init() throws {
        directory = try TemporaryDirectory()
        tree = directory("tree")
        try File.makeDirectories(tree)
        secret = try directory.write("secret", "secret")
    }

    /// What stands beside the tree: just the secret, unchanged.
    var isWhole: Bool {
        File.names(in: directory.path).sorted() == ["secret", "tree"] && File.text(secret) == "secret"
    }

    func unpack(_ archive: [UInt8], _ words: [String] = [], timeout: Double = 60) throws -> Program.Outcome {
        try Program.run(
            [Product.path("corral-unpack")] + words, stdin: archive, timeout: timeout, directory: tree)
    }

    func text(_ name: String) -> String? { File.text("\(tree)/\(name)") }

    /// Everything in the tree: mode, kind and path of each, and the target of links (find(1)).
    func listing() throws -> [String] {
        let outcome = try Program.run(
            ["find", ".", "-mindepth", "1", "-printf", "%m %y %P %l\\n"], directory: tree)
        return outcome.output.split(separator: "\n").map {
            $0.last == " " ? String($0.dropLast()) : String($0)
        }
        .sorted()
    }
}
