import Linux
import TestSupport
import Testing

/// An image store of one test's own, and what is imported into it.
struct Store {
    let directory: TemporaryDirectory
    /// Set for every command.
    private let environment: [String: String]

    init() throws {
        directory = try TemporaryDirectory()
        environment = Program.environment.merging(["CORRAL_IMAGES": directory("store")]) { $1 }
    }

    func corral(_ words: [String], timeout: Double = 120) throws -> Program.Outcome {
        try Program.run(
            [Corral.path] + words, environment: environment, timeout: timeout, directory: directory.path)
    }

    func start(_ words: [String]) throws -> RunningProgram {
        try Program([Corral.path] + words, environment: environment, directory: directory.path).start()
    }

    /// Imports and returns what was stored, as the command's JSON says.
    func imported(
        _ name: String, _ source: String, _ more: [String] = [], timeout: Double = 120
    ) throws -> Report {
        let outcome = try corral(["image", "import", name, source, "--json"] + more, timeout: timeout)
        try #require(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.errors == "")
        #expect(File.names(in: directory("store/tmp")) == [])
        return try Report(outcome.output)
    }

    /// Expects that an import is refused in one line that says all of `says`, and leaves nothing.
    func refused(_ source: String, _ more: [String] = [], says: [String]) throws {
        let before = contents
        let outcome = try corral(["image", "import", "x", source] + more)
        #expect(outcome.status == 1, "\(outcome.errors)")
        #expect(outcome.errors.hasPrefix("corral image import: ") && outcome.output == "")
        #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
        for part in says { #expect(outcome.errors.contains(part), "\(outcome.errors)") }
        #expect(contents == before)
    }

    /// The names and trees that are stored, and what is left of work in progress.
    var contents: [String] {
        ["names", "trees", "tmp"].flatMap { part in
            File.names(in: directory("store/\(part)")).map { "\(part)/\($0)" }
        }.sorted()
    }

    func shell(_ script: String, timeout: Double = 60) throws {
        let outcome = try Program.run(
            ["sh", "-ec", "umask 022; \(script)"], timeout: timeout, directory: directory.path)
        try #require(outcome.status == 0, "\(outcome.errors)")
    }

    func python(_ script: String) throws {
        let outcome = try Program.run([Corral.python, "-c", script], directory: directory.path)
        try #require(outcome.status == 0, "\(outcome.errors)")
    }

    /// A file of a stored image's tree.
    func text(_ report: Report, _ path: String) -> String? {
        File.text(directory("store/trees/\(report.text("tree") ?? "")/root/\(path)"))
    }

    func names(_ report: Report, _ path: String) -> [String] {
        File.names(in: directory("store/trees/\(report.text("tree") ?? "")/root/\(path)")).sorted()
    }
}

/// Images of two layers made by a script: the second removes `gone`, hides what `opaque` had and changes
/// `data`. A script that goes on from there can spoil any part of them.
enum Layout {
    /// Defines `layers`, `config`, `manifest` and functions that write them as an OCI layout or a
    /// docker-archive.
    static let prelude = """
        import gzip, hashlib, io, json, os, shutil, tarfile
        def tar(*entries):
            out = io.BytesIO()
            with tarfile.open(fileobj=out, mode="w") as archive:
                for name, data in entries:
                    info = tarfile.TarInfo(name)
                    info.size = len(data)
                    archive.addfile(info, io.BytesIO(data))
            return out.getvalue()
        def sha(data): return hashlib.sha256(data).hexdigest()
        plain = [tar(("data", b"first"), ("gone", b"x"), ("opaque/old", b"x"), ("bin/tool", b"#!/bin/sh")),
                 tar((".wh.gone", b""), ("opaque/.wh..wh..opq", b""), ("opaque/new", b"y"), ("data", b"second"))]
        layers = list(plain)
        types = ["application/vnd.oci.image.layer.v1.tar"] * 2
        def squeeze(index):
            layers[index] = gzip.compress(plain[index])
            types[index] = "application/vnd.oci.image.layer.v1.tar+gzip"
        config = {"os": "linux", "architecture": "amd64",
                  "rootfs": {"type": "layers", "diff_ids": ["sha256:" + sha(layer) for layer in plain]},
                  "config": {"Env": ["A=1"], "Entrypoint": ["/bin/tool"], "Cmd": ["go"], "WorkingDir": "/data"}}
        def store(data, blobs="layout/blobs/sha256"):
            os.makedirs(blobs, exist_ok=True)
            open(blobs + "/" + sha(data), "wb").write(data)
            return {"digest": "sha256:" + sha(data), "size": len(data)}
        def text(value): return json.dumps(value).encode()
        def manifest():
            return {"schemaVersion": 2,
                    "config": {"mediaType": "application/vnd.oci.image.config.v1+json"} | store(text(config)),
                    "layers": [{"mediaType": kind} | store(layer) for kind, layer in zip(types, layers)]}
        def reference(value, **more):
            return {"mediaType": "application/vnd.oci.image.manifest.v1+json"} | store(text(value)) | more
        def index(*references, version="1.0.0"):
            open("layout/oci-layout", "wb").write(text({"imageLayoutVersion": version}))
            open("layout/index.json", "wb").write(text({"schemaVersion": 2, "manifests": list(references)}))
        def docker(names=None, name=None, images=1):
            os.makedirs("docker", exist_ok=True)
            name = name or sha(text(config)) + ".json"
            open("docker/" + name, "wb").write(text(config))
            names = names or [f"{number}/layer.tar" for number in range(len(layers))]
            for path, layer in zip(names, layers):
                os.makedirs(os.path.dirname("docker/" + path), exist_ok=True)
                open("docker/" + path, "wb").write(layer)
            value = [{"Config": name, "RepoTags": ["a:b"], "Layers": names}] * images
            open("docker/manifest.json", "wb").write(text(value))
            with tarfile.open("docker.tar", "w") as archive: archive.add("docker", ".")

        """
}
