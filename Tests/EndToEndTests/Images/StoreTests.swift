import Glibc
import Linux
import TestSupport
import Testing

/// The image store: names, trees, locks, what killed imports leave, a full disk.
@Suite struct StoreTests {
    private func filled() throws -> Store {
        let store = try Store()
        try store.shell("mkdir -p one two; echo 1 >one/f; echo 2 >two/f; tar -cf one.tar -C one .")
        return store
    }

    @Test func `list and inspect show shipped and stored images`() throws {
        let store = try filled()
        let report = try store.imported("mine", "one", ["--description", "A \"test\" of \\ names"])
        let list = try store.corral(["image", "list"])
        let lines = list.output.split(separator: "\n").map {
            $0.split(separator: " ", maxSplits: 4).map(String.init)
        }
        #expect(lines.first { $0[0] == "host" }?[1] == "host")
        let mine = try #require(lines.first { $0[0] == "mine" })
        #expect(mine[1] == "tree" && report.text("tree")?.dropFirst(7).hasPrefix(mine[3]) == true)
        #expect(mine[4].contains("A \"test\" of \\ names"))
        let json = try Report.list(store.corral(["image", "list", "--json"]).output)
        #expect(try store.corral(["image", "list", "-o", "json"]).output.contains("\"mine\""))
        // Recipes that were not built are listed as well.
        #expect(Set(json.compactMap { $0.text("name") }).isSuperset(of: ["host", "mine"]))
        #expect(
            json.first { $0.text("name") == "mine" }?.text("tree") == report.text("tree"))
        let inspected = try store.corral(["image", "inspect", "mine"])
        #expect(
            inspected.output.contains("source     directory one") && inspected.status == 0,
            "\(inspected.errors)")
        #expect(try store.corral(["image", "inspect", "nothing"]).status == 1)
    }

    @Test func `the same tree is stored once, and goes with its last name`() throws {
        let store = try filled()
        let first = try store.imported("first", "one")
        #expect(try store.imported("second", "one.tar").text("tree") == first.text("tree"))
        _ = try store.imported("other", "two")
        #expect(File.names(in: store.directory("store/trees")).count == 2)
        #expect(try store.corral(["image", "rm", "first"]).status == 0)
        #expect(store.text(first, "f") == "1\n")
        #expect(try store.corral(["image", "rm", "second"]).status == 0)
        #expect(store.text(first, "f") == nil && File.names(in: store.directory("store/trees")).count == 1)
        #expect(store.contents.count == 2)
    }

    @Test func `a name is not taken twice, a shipped one not removed, a missing one said`() throws {
        let store = try filled()
        _ = try store.imported("x", "one")
        try store.refused("two", says: ["\"x\" already", "corral image rm x"])
        for (name, says) in [("host", "shipped"), ("nothing", "no image"), ("../x", "not a name")] {
            let outcome = try store.corral(["image", "rm", name])
            #expect(outcome.status == 1 && outcome.errors.contains(says), "\(outcome.errors)")
        }
        #expect(store.contents.count == 2)
    }

    @Test func `of two imports at once under one name one wins, and the other says why`() throws {
        let store = try filled()
        for round in 0..<3 {
            let name = "both\(round)"
            let running = try ["one", "one.tar", "two"].map {
                try store.start(["image", "import", name, $0])
            }
            let outcomes = try running.map { try $0.wait(timeout: 120) }
            #expect(outcomes.filter { $0.status == 0 }.count == 1, "\(outcomes.map(\.errors))")
            for outcome in outcomes where outcome.status != 0 {
                let said = outcome.errors.contains("under way") || outcome.errors.contains("already")
                #expect(outcome.status == 1 && said, "\(outcome.errors)")
            }
            #expect(File.names(in: store.directory("store/tmp")) == [])
        }
        #expect(File.names(in: store.directory("store/names")).count == 3)
    }

    @Test func `imports under different names do not wait for each other's sweep`() throws {
        let store = try filled()
        let running = try (0..<4).map {
            try store.start(["image", "import", "n\($0)", $0 % 2 == 0 ? "one.tar" : "two"])
        }
        for outcome in try running.map({ try $0.wait(timeout: 120) }) {
            #expect(outcome.status == 0, "\(outcome.errors)")
        }
        #expect(store.contents.count == 6)
    }

    @Test func `an import that is killed leaves what the next one removes`() throws {
        let store = try filled()
        // Held up for as long as it takes by an archive without end.
        try store.shell(
            "python3 -c \"import tarfile,sys; i=tarfile.TarInfo('big'); i.size=3<<30; sys.stdout.buffer.write(i.tobuf())\" >big.tar; "
                + "truncate -s 3G big.tar")
        let running = try store.start(["image", "import", "big", "big.tar"])
        #expect(eventually { !File.names(in: store.directory("store/tmp")).isEmpty })
        #expect(eventually { store.isUnpacking })
        try running.signal(SIGKILL)
        _ = try running.wait(timeout: 60)
        #expect(!File.names(in: store.directory("store/tmp")).isEmpty)
        // Its sandbox ends with it, and then the next import takes its place.
        #expect(eventually { !store.isUnpacking })
        _ = try store.imported("big", "one")
        #expect(store.contents.count == 2)
    }

    @Test func `a tree that no name uses is removed, and none while a name cannot be read`() throws {
        let store = try filled()
        let kept = try store.imported("kept", "one")
        let odd = try store.imported("odd", "two")
        try store.shell("echo 'tree: [' >store/names/odd.yaml; chmod 644 store/names/odd.yaml")
        #expect(try store.corral(["image", "rm", "kept"]).status == 0)
        #expect(store.text(odd, "f") == "2\n" && store.text(kept, "f") == "1\n")
        try store.shell("rm store/names/odd.yaml")
        _ = try store.imported("again", "one")
        #expect(store.text(odd, "f") == nil && store.text(kept, "f") == "1\n")
    }

    @Test(.enabled(if: Host.isRoot, "mounting needs root")) func `a full disk leaves nothing`() throws {
        let store = try filled()
        try store.shell("mkdir full big; head -c 6000000 /dev/urandom >big/f; tar -cf big.tar big")
        // In a mount namespace of its own, so that nothing of it is left here.
        let script = """
            mount -t tmpfs -o size=4m none full
            export CORRAL_IMAGES=$PWD/full/store
            for source in big big.tar; do
                if \(Corral.path) image import x $source 2>errors; then exit 9; fi
                grep -q 'No space left' errors || { cat errors >&2; exit 8; }
                find full/store -mindepth 2 >&2
            done
            \(Corral.path) image import x one >/dev/null
            ls full/store/names full/store/tmp
            """
        let outcome = try Program.run(
            ["unshare", "--mount", "sh", "-ec", script], timeout: 120, directory: store.directory.path)
        #expect(outcome.status == 0 && outcome.errors == "", "\(outcome.errors)")
        #expect(outcome.output == "full/store/names:\nx.yaml\n\nfull/store/tmp:\n")
    }

    @Test(.enabled(if: Host.isRoot, "changing owners needs root"))
    func `a store that others may write to does not count`() throws {
        let store = try filled()
        _ = try store.imported("x", "one")
        for script in ["chmod 777 store", "chmod 700 store; chown 65534 store"] {
            try store.shell(script)
            let outcome = try store.corral(["image", "import", "y", "two"])
            #expect(outcome.status == 1 && outcome.errors.contains("store"), "\(outcome.errors)")
        }
    }

    // A file system may take half a millisecond for each new file.
    @Test func `a hundred thousand entries are imported`() throws {
        let store = try Store()
        try store.python(
            """
            import tarfile
            with tarfile.open("many.tar", "w") as archive:
                for number in range(100000):
                    archive.addfile(tarfile.TarInfo("d%d/f%d" % (number // 200, number)))
            """)
        let report = try store.imported("many", "many.tar", timeout: 600)
        #expect((report.number("origin", "entries") ?? 0) >= 100_500)
        #expect(try store.corral(["image", "rm", "many"], timeout: 600).status == 0)
        #expect(store.contents == [])
    }

    @Test func `the unpacker has nothing but the archive and the tree`() throws {
        let store = try filled()
        // In the unpacker's place: a static program that cannot unpack, and a missing one.
        let outcome = try Program.run(
            [Corral.path, "image", "import", "x", "one.tar"],
            environment: Program.environment.merging(
                ["CORRAL_IMAGES": store.directory("store"), "CORRAL_UNPACK": store.directory("nowhere")]) {
                    $1
                },
            directory: store.directory.path)
        #expect(
            outcome.status == 1 && outcome.errors.contains("corral-unpack was not found"), "\(outcome.errors)"
        )
        #expect(store.contents == [])
    }
}

extension Store {
    /// Whether a process holds a tree of this store's to unpack into, as its descriptor 3.
    var isUnpacking: Bool {
        File.names(in: "/proc").contains { pid in
            File.target(ofLink: "/proc/\(pid)/fd/3")?.hasPrefix(directory("store/tmp/")) == true
        }
    }
}
