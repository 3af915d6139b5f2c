import TestSupport
import Testing

/// Images that are not what they say, each refused in one sentence that leaves nothing behind.
@Suite struct BadImageTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        /// Goes on from ``Layout/prelude``.
        let script: String
        var source = "layout"
        var words: [String] = []
        let says: [String]
        var testDescription: String { name }
    }

    static let layouts = [
        Case(
            name: "wrong digest of a layer",
            script: "m = manifest()\nindex(reference(m))\nd = m['layers'][1]['digest'][7:]\n"
                + "p = 'layout/blobs/sha256/' + d\nb = bytearray(open(p, 'rb').read())\nb[600] ^= 1\nopen(p, 'wb').write(b)",
            says: ["layer 2 of 2", "has the digest sha256:", "expected sha256:"]),
        Case(
            name: "wrong size of a layer",
            script: "m = manifest()\nm['layers'][0]['size'] += 1\nindex(reference(m))",
            says: ["layer 1 of 2", "bytes; its descriptor says"]),
        Case(
            name: "a layer cut short",
            script: "layers[0] = layers[0][:1000]\nindex(reference(manifest()))",
            says: ["layer 1 of 2", "cut short"]),
        Case(
            name: "layers out of order", script: "layers.reverse()\nindex(reference(manifest()))",
            says: ["layer 1 of 2", "out of order"]),
        Case(
            name: "a layer missing",
            script:
                "m = manifest()\nos.remove('layout/blobs/sha256/' + m['layers'][0]['digest'][7:])\nindex(reference(m))",
            says: ["layer 1 of 2", "missing"]),
        Case(
            name: "a blob that is a link",
            script:
                "m = manifest()\np = 'layout/blobs/sha256/' + m['layers'][0]['digest'][7:]\nos.rename(p, 'blob')\n"
                + "os.symlink(os.path.abspath('blob'), p)\nindex(reference(m))",
            says: ["layer 1 of 2", "symbolic link"]),
        Case(
            name: "fewer diff_ids than layers",
            script: "config['rootfs']['diff_ids'].pop()\nindex(reference(manifest()))",
            says: ["2 layers", "diff_ids for 1"]),
        Case(
            name: "wrong diff_id",
            script: "config['rootfs']['diff_ids'][1] = 'sha256:' + '0' * 64\nindex(reference(manifest()))",
            says: ["layer 2 of 2", "sha256:0000"]),
        Case(
            name: "a digest of another kind",
            script: "m = manifest()\nm['layers'][0]['digest'] = 'md5:abc'\nindex(reference(m))",
            says: ["md5:abc", "no digest"]),
        Case(
            name: "a digest that is a path",
            script: "m = manifest()\nm['config']['digest'] = 'sha256:../../../secret'\nindex(reference(m))",
            says: ["no digest"]),
        Case(
            name: "a foreign layer",
            script:
                "types[0] = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip'\nindex(reference(manifest()))",
            says: ["layer 1 of 2", "fetched from elsewhere"]),
        Case(
            name: "an unknown layer", script: "types[0] = 'application/x'\nindex(reference(manifest()))",
            says: ["layer 1 of 2", "application/x"]),
        Case(
            name: "wrong platform", script: "index(reference(manifest()))",
            words: ["--platform", "linux/arm64"],
            says: ["no image for linux/arm64", "there is linux/amd64"]),
        Case(
            name: "wrong platform in the index",
            script: "index(reference(manifest(), platform={'os': 'linux', 'architecture': 's390x'}), "
                + "reference(manifest(), platform={'os': 'windows', 'architecture': 'amd64'}))",
            words: ["--platform", "linux/amd64"], says: ["linux/s390x, windows/amd64"]),
        Case(
            name: "an index that lies about the platform",
            script: "index(reference(manifest(), platform={'os': 'linux', 'architecture': 's390x'}))",
            words: ["--platform", "linux/s390x"], says: ["its configuration one for linux/amd64"]),
        Case(
            name: "two images",
            script: "a = reference(manifest(), annotations={'org.opencontainers.image.ref.name': 'one'})\n"
                + "config['config'] = {}\nindex(a, reference(manifest()))",
            says: ["2 images", "one"]),
        Case(name: "no image", script: "os.mkdir('layout')\nindex()", says: ["none at all"]),
        Case(
            name: "no JSON",
            script: "index(reference(manifest()))\nopen('layout/index.json', 'w').write('{')",
            says: ["index.json:1:2"]),
        Case(
            name: "a key twice",
            script: "index(reference(manifest()))\nopen('layout/index.json', 'w').write('{\"a\":1,\"a\":2}')",
            says: ["index.json:1:8", "already given"]),
        Case(
            name: "too much JSON",
            script: "index(reference(manifest()))\nopen('layout/index.json', 'w').write(' ' * (5 << 20))",
            says: ["index.json", "4194304 bytes"]),
        Case(
            name: "another version", script: "index(reference(manifest()), version='2.0')",
            says: ["oci-layout", "2.0", "1.0.0"]),
        Case(
            name: "an index of itself",
            script: "def wrap(r): return {'mediaType': "
                + "'application/vnd.oci.image.index.v1+json'} | store(text({'manifests': [r]}))\n"
                + "r = reference(manifest())\nfor _ in range(6): r = wrap(r)\nindex(r)",
            says: ["inside each other"]),
        Case(
            name: "a trick in a layer",
            script:
                "layers[1] = plain[1] = tar(('../x', b'x'))\nconfig['rootfs']['diff_ids'][1] = 'sha256:' + sha(plain[1])\n"
                + "index(reference(manifest()))",
            says: ["layer 2 of 2", "entry \"../x\""]),
        Case(
            name: "no types", script: "m = manifest()\nm['layers'] = 'x'\nindex(reference(m))",
            says: ["layers", "is a string; expected a list"]),
    ]

    static let archives = [
        Case(
            name: "two images in a docker-archive", script: "docker(images=2)", source: "docker.tar",
            says: ["manifest.json", "2 images"]),
        Case(
            name: "wrong digest of a configuration", script: "docker(name='0' * 64 + '.json')",
            source: "docker.tar",
            says: ["the configuration", "has the digest"]),
        Case(
            name: "a configuration of no digest", script: "docker(name='config.json')", source: "docker.tar",
            says: ["config.json", "does not name a digest"]),
        Case(
            name: "wrong layer", script: "layers[1] = tar(('x', b'x'))\ndocker()", source: "docker.tar",
            says: ["layer 2 of 2", "has the digest"]),
        Case(
            name: "wrong layer, compressed", script: "layers[1] = gzip.compress(plain[0])\ndocker()",
            source: "docker.tar", says: ["layer 2 of 2", "out of order"]),
        Case(
            name: "layers out of order", script: "layers.reverse()\ndocker()", source: "docker.tar",
            says: ["layer 1 of 2"]),
        Case(
            name: "wrong platform of a docker-archive", script: "docker()", source: "docker.tar",
            words: ["--platform", "linux/arm64"], says: ["no image for linux/arm64", "linux/amd64"]),
        Case(
            name: "a layer outside",
            script: "docker(names=['a/l', 'b/l'])\nm = json.load(open('docker/manifest.json'))\n"
                + "m[0]['Layers'][0] = '../secret'\njson.dump(m, open('docker/manifest.json', 'w'))\n"
                + "with tarfile.open('docker.tar', 'w') as archive: archive.add('docker', '.')",
            source: "docker.tar", says: ["layer 1 of 2", "../secret"]),
        Case(
            name: "an archive cut short",
            script: "docker()\nopen('cut.tar', 'wb').write(open('docker.tar', 'rb').read()[:3000])",
            source: "cut.tar", says: ["cut.tar", "cut short"]),
        Case(
            name: "no archive", script: "open('text', 'w').write('hello' * 200)", source: "text",
            says: ["text", "no tar archive"]),
        Case(name: "no file", script: "", source: "nowhere", says: ["nowhere", "ENOENT"]),
        Case(
            name: "a fifo", script: "os.mkfifo('fifo')", source: "fifo",
            says: ["fifo", "expected a file or a directory"]),
    ]

    @Test(arguments: layouts + archives) func `a bad image is refused by what is wrong with it`(bad: Case)
        throws
    {
        let store = try Store()
        try store.directory.write("secret", "secret")
        try store.python(Layout.prelude + bad.script)
        try store.refused(bad.source, bad.words, says: bad.says)
    }

    @Test(arguments: [
        (["a/b", "x"], "a/b"), (["", "x"], "name"), (["host", "x"], "shipped"), (["..", "x"], ".."),
        (["a", "x", "--platform", "linux"], "OS/ARCHITECTURE"),
        (["a", "x", "--max-bytes", "0"], "--max-bytes"),
    ])
    func `a wrong call is refused before anything is made`(words: [String], says: String) throws {
        let store = try Store()
        let outcome = try store.corral(["image", "import"] + words)
        #expect(outcome.status == 1 && outcome.errors.contains(says), "\(outcome.errors)")
        #expect(!File.exists(store.directory("store")) || store.contents == [])
    }

    @Test(arguments: [
        (["--max-entries", "3"], "3 entries"), (["--max-bytes", "20"], "bytes allowed"),
        (["--max-file", "8"], "at most 8"),
    ])
    func `limits of the command line hold over all layers`(words: [String], says: String) throws {
        let store = try Store()
        try store.python(Layout.prelude + "index(reference(manifest()))")
        try store.refused("layout", words, says: [says])
    }
}
