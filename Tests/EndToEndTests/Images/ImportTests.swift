import Glibc
import Linux
import TestSupport
import Testing

/// `corral image import` of everything that it takes.
@Suite struct ImportTests {
    private func check(_ store: Store, _ report: Report) {
        #expect(store.text(report, "data") == "second")
        #expect(store.names(report, "") == ["bin", "data", "etc", "opaque"])
        #expect(store.names(report, "opaque") == ["new"])
    }

    @Test func `an OCI layout, as a directory and as an archive, and a docker-archive give one tree`() throws
    {
        let store = try Store()
        try store.python(
            Layout.prelude + "squeeze(1)\nindex(reference(manifest()))\nlayers = plain\ndocker()")
        try store.shell(
            "tar -C layout -cf layout.tar .; gzip -k docker.tar; mkdir split; cp -r layout/. split; zstd -q layout.tar"
        )
        let first = try store.imported("first", "layout")
        check(store, first)
        #expect(
            first.text("origin", "kind") == "oci-layout" && first.text("origin", "platform") == "linux/amd64")
        for (number, source) in ["layout.tar", "layout.tar.zst", "docker.tar", "docker.tar.gz"].enumerated() {
            let report = try store.imported("again\(number)", source)
            #expect(report.text("tree") == first.text("tree"), "\(source)")
        }
        #expect(File.names(in: store.directory("store/trees")).count == 1)
        #expect(File.names(in: store.directory("store/names")).count == 5)
    }

    @Test func `what skopeo and umoci make is taken, in every form`() throws {
        guard ["/usr/bin/skopeo", "/usr/bin/umoci"].allSatisfy(File.exists) else {
            return Host.skip("skopeo and umoci are not installed")
        }
        guard Host.isRoot else { return Host.skip("umoci needs root to unpack") }
        let store = try Store()
        try store.shell(
            """
            export HOME=$PWD
            umoci init --layout oci >&2
            umoci new --image oci:one >&2
            umoci unpack --image oci:one bundle >&2
            mkdir -p bundle/rootfs/etc bundle/rootfs/usr/bin
            echo 'root:x:0:0::/:/bin/sh' >bundle/rootfs/etc/passwd
            echo first >bundle/rootfs/data; echo x >bundle/rootfs/gone; ln -s usr/bin bundle/rootfs/bin
            umoci repack --image oci:one bundle >&2
            rm -r bundle bundle.tar 2>/dev/null || true
            umoci unpack --image oci:one bundle >&2
            rm bundle/rootfs/gone; echo second >bundle/rootfs/data
            umoci repack --image oci:one bundle >&2
            umoci config --image oci:one --config.env A=B --config.cmd hello >&2
            skopeo --insecure-policy copy -q oci:oci:one docker-archive:archive.tar
            skopeo --insecure-policy copy -q oci:oci:one oci-archive:oci.tar
            skopeo --insecure-policy copy -q --format v2s2 oci:oci:one oci:again:two
            mkdir saved; tar -C saved -xf oci.tar
            """)
        // The newer form of docker save: an OCI layout with the older form's manifest beside it.
        try store.shell(
            "echo '[{\"Config\":\"none\",\"Layers\":[]}]' >saved/manifest.json; tar -C saved -cf saved.tar .")
        let first = try store.imported("first", "oci")
        #expect(
            store.names(first, "") == ["bin", "data", "etc", "usr"] && store.text(first, "data") == "second\n"
        )
        #expect(store.text(first, "etc/passwd")?.contains("plugin:x:1000:1000:") == true)
        for (number, source) in ["archive.tar", "oci.tar", "saved.tar", "again"].enumerated() {
            #expect(try store.imported("n\(number)", source).text("tree") == first.text("tree"), "\(source)")
        }
        let inspected = try store.corral(["image", "inspect", "first"])
        for line in [
            "env        A=B", "cmd        hello", "platform   linux/amd64", "source     oci-layout oci",
        ] {
            #expect(inspected.output.contains("\n\(line)"), "\(inspected.output)\(inspected.errors)")
        }
    }

    @Test func `a directory and a tar archive of it give one tree`() throws {
        let store = try Store()
        try store.shell(
            """
            mkdir -p from/usr/bin from/srv/data; echo x >from/usr/bin/x; chmod 6755 from/usr/bin/x
            ln -s usr/bin from/bin; ln -s /etc/shadow from/srv/s; echo secret >from/srv/data/f; chmod 666 from/srv/data/f
            mkfifo from/srv/p; tar -C from -czf from.tgz .
            """)
        let directory = try store.imported("a", "from")
        let archive = try store.imported("b", "from.tgz")
        #expect(directory.text("tree") == archive.text("tree"))
        #expect(directory.number("origin", "skipped", "fifo") == 1)
        #expect(
            store.names(directory, "etc") == [
                "group", "hostname", "hosts", "mtab", "nsswitch.conf", "passwd", "resolv.conf",
            ])
        let modes = try Program.run(
            ["stat", "-c", "%a %U", "usr/bin/x", "srv/data/f"],
            directory: store.directory("store/trees/\(directory.text("tree") ?? "")/root"))
        #expect(Set(modes.output.split(separator: "\n").map { $0.prefix(3) }) == ["755", "644"])
    }

    @Test func `files that a sandbox needs are made only where they are missing`() throws {
        let store = try Store()
        try store.shell(
            """
            mkdir -p from/etc; printf 'node:x:1000:1000::/home:/bin/sh' >from/etc/passwd; printf 'root:x:0:' >from/etc/group
            echo own >from/etc/hosts; ln -s /run/resolv.conf from/etc/resolv.conf
            """)
        let report = try store.imported("a", "from")
        #expect(store.text(report, "etc/passwd") == "node:x:1000:1000::/home:/bin/sh")
        #expect(store.text(report, "etc/group") == "root:x:0:\nplugin:x:1000:\n")
        #expect(store.text(report, "etc/hosts") == "own\n")
        let link = try Program.run(
            ["readlink", "etc/resolv.conf"],
            directory: store.directory("store/trees/\(report.text("tree") ?? "")/root"))
        #expect(link.output == "/run/resolv.conf\n")
    }

    @Test(arguments: [
        "ln -s ../outside from/etc", "echo x >from/etc",
        "mkdir from/etc; ln -s ../../outside/f from/etc/passwd",
    ])
    func `an /etc that leads elsewhere is refused and nothing is written there`(script: String) throws {
        let store = try Store()
        try store.shell("mkdir from outside; echo kept >outside/f; \(script); tar -C from -cf from.tar .")
        for source in ["from", "from.tar"] { try store.refused(source, says: ["/etc"]) }
        #expect(File.text(store.directory("outside/f")) == "kept\n")
        #expect(File.names(in: store.directory("outside")) == ["f"])
    }

    @Test func `a stored tree is the root of a sandbox`() throws {
        let store = try Store()
        // A static program is all that a tree needs; the tests' own file has one.
        try store.shell(
            "mkdir -p from/bin; cp \(Product.path("corral-unpack")) from/bin/own; echo here >from/bin/mark")
        _ = try store.imported("a", "from")
        let outcome = try store.corral(["run", "--image", "a", "--", "/bin/own", "--wrong"])
        #expect(outcome.status == 2 && outcome.errors.contains("corral-unpack: "), "\(outcome.errors)")
    }

    @Test(.enabled(if: Host.isRoot, "running as another user needs root"))
    func `an ordinary user imports into a store of their own`() throws {
        let store = try Store()
        try store.python(Layout.prelude + "index(reference(manifest()))")
        let corral = try Product.install(to: store.directory("installed"))
        try File.makeDirectories(store.directory("home"))
        let (home, id) = (store.directory("home"), "\(Host.ordinaryUser)")
        try store.shell(
            "chown \(id):\(id) home; mkdir from; echo x >from/f; tar -cf from.tar from; chmod -R a+rX .")
        let environment = Program.environment.merging(["HOME": home]) { $1 }
        for source in ["layout", "from", "from.tar"] {
            let outcome = try Program.run(
                [corral, "image", "import", source == "from.tar" ? "tar" : source, source, "--json"],
                environment: environment, timeout: 120, uid: Host.ordinaryUser,
                directory: store.directory.path)
            #expect(outcome.status == 0, "\(outcome.errors)")
        }
        let images = "\(home)/.local/share/corral/images"
        #expect(File.names(in: "\(images)/names").sorted() == ["from.yaml", "layout.yaml", "tar.yaml"])
        #expect(File.names(in: "\(images)/tmp") == [])
        let others = try Program.run(["find", images, "!", "-uid", id])
        #expect(others.status == 0 && others.output == "")
    }
}
