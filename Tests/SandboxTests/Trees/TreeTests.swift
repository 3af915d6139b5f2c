// A stored tree as the root of a sandbox.

import Glibc
import Linux
import TestSupport
import Testing

@Suite(.enabled(if: Host.isRoot, "needs root"), .timeLimit(.minutes(20)))
struct TreeTests {
    @Test func `a program of the tree runs, and nothing of the host is there`() throws {
        let store = try TreeStore()
        try store.change("cp usr/bin/cat usr/bin/only-here; echo top >file; ln -s etc/marker link")
        let ended = try store.corral().run(["only-here", "/etc/marker", "/file", "/link"])
        #expect(ended.status == 0 && ended.lines == ["made by hand", "top", "made by hand"], "\(ended)")
        let listed = try store.corral().run(["ls", "/", "/usr"])
        #expect(
            listed.lines
                == [
                    "/:", "bin", "dev", "etc", "file", "home", "lib", "lib64", "link", "opt", "proc", "run",
                    "tmp",
                    "usr", "var", "workspace", "", "/usr:", "bin", "lib",
                ].filter { !$0.isEmpty }, "\(listed)")
        #expect(try store.corral().run([Corral.python, "-V"]).status == 127)
        // What the host has is there with the host's image, so the program's absence shows something.
        #expect(try Corral().run([Corral.python, "-V"]).status == 0)
    }

    @Test func `what belongs to the sandbox is its own, whatever the tree has there`() throws {
        let store = try TreeStore()
        try store.change(
            """
            for name in dev proc sys tmp run home workspace; do
                mkdir $name; echo planted >$name/planted
            done
            """)
        let script = """
            for name in dev proc sys tmp run home workspace; do
                if [ -e /$name/planted ]; then echo $name is the tree\\'s; fi
            done
            echo mine >/tmp/mine && echo mine >/workspace/mine && echo mine >/home/mine && cat /tmp/mine
            echo x >/dev/null
            cat /proc/self/comm
            """
        let ended = try store.corral().shell(script)
        #expect(ended.lines == ["mine", "cat"], "\(ended)")
        #expect(File.names(in: store.root + "/tmp") == ["planted"])
    }

    @Test func `the tree is read-only, nosuid and nodev, each directory a mount of its own`() throws {
        let store = try TreeStore()
        try store.change("echo x >top")
        let ended = try store.corral().run(["cat", "/proc/self/mountinfo"])
        let mounts = ended.lines.map { $0.split(separator: " ") }.filter { $0.count > 6 }
        for place in ["/usr", "/etc", "/opt", "/top"] {
            let mount = try #require(mounts.first { $0[4] == place }, "\(place)")
            #expect(String(mount[3]).hasSuffix("\(store.tree)/root\(place)"))
            #expect(Set(mount[5].split(separator: ",")).isSuperset(of: ["ro", "nosuid", "nodev"]))
            #expect(mount[6] == "-", "private: no peer and no slave")
        }
        #expect(!mounts.contains { ["/bin", "/lib"].contains($0[4]) })
        let script = """
            for path in /new /usr/new /etc/new /opt/new /dev/new /usr/bin/cat /top /etc/marker; do
                (echo x >$path) 2>/dev/null && echo "$path can be written"
                (echo x >>$path) 2>/dev/null && echo "$path can be appended to"
            done
            echo tried
            """
        #expect(try store.corral().shell(script).text == "tried")
        #expect(File.text(store.root + "/etc/marker") == "made by hand\n")
    }

    @Test func `what is missing in the tree is told as on the host's image`() throws {
        let store = try TreeStore()
        let absent = try store.corral().run(["no-such-program"])
        #expect(absent.status == 127 && absent.errors.contains("no-such-program: not found in the sandbox"))
        try store.change("rm usr/lib/ld-linux*")
        let loader = try store.corral().run(["cat", "/etc/marker"])
        #expect(loader.status == 127 && loader.errors.contains("cat: not found in the sandbox"), "\(loader)")
        try store.change("echo text >usr/bin/data; chmod 644 usr/bin/data")
        let data = try store.corral().run(["data"])
        #expect(data.status == 126 && data.errors.contains("data: cannot be executed"), "\(data)")
    }

    @Test func `a change of the image is seen by the next run, cached rules or not`() throws {
        let (store, other) = (try TreeStore(), try TreeStore())
        try other.change("echo another >etc/marker")
        let tree = other.tree
        let moved = "\(store.store)/trees/\(tree)"
        _ = try call("rename") { unsafe rename("\(other.store)/trees/\(tree)", moved) }
        for _ in 0..<2 { #expect(try store.corral().run(["cat", "/etc/marker"]).text == "made by hand") }
        try store.name(tree)
        #expect(try store.corral().run(["cat", "/etc/marker"]).text == "another")
        try store.name(store.tree)
        #expect(try store.corral().run(["cat", "/etc/marker"]).text == "made by hand")
    }

    @Test func `an image or a tree that is not in the store is told`() throws {
        let store = try TreeStore()
        try store.name(TreeStore.newName())
        let tree = try store.corral().run(["true"])
        #expect(tree.status == 125 && tree.errors.contains("which is not in the image store"), "\(tree)")
        var corral = Corral(["--image", "tre"])
        corral.variables["CORRAL_IMAGES"] = store.store
        let unknown = try corral.run(["true"])
        #expect(
            unknown.status == 125
                && unknown.errors.contains("unknown image \"tre\"; did you mean tree? (known: host"),
            "\(unknown)")
        corral.variables["CORRAL_IMAGES"] = store.directory("nowhere")
        #expect(try corral.run(["true"]).errors.contains("unknown image"))
        corral.variables["CORRAL_IMAGES"] = "relative"
        #expect(
            try corral.run(["true"]).errors.contains(
                "CORRAL_IMAGES is \"relative\"; expected an absolute path"))
    }

    @Test func `no image of the store takes the place of a shipped one`() throws {
        let store = try TreeStore()
        _ = try call("rename") {
            unsafe rename("\(store.store)/names/tree.yaml", "\(store.store)/names/host.yaml")
        }
        var corral = Corral()
        corral.variables["CORRAL_IMAGES"] = store.store
        let ended = try corral.run(["ls", "/etc"])
        #expect(!ended.lines.contains("marker") && ended.lines.contains("nsswitch.conf"), "\(ended)")
    }

    @Test func `a profile can lock its image`() throws {
        let store = try TreeStore()
        let open = "description: x\nextends: default\n"
        let plain = try store.directory.write("plain.yaml", open)
        let locked = try store.directory.write("locked.yaml", open + "image: host\nlocked: [image]\n")
        #expect(try store.corral(["--profile", plain]).run(["cat", "/etc/marker"]).text == "made by hand")
        let refused = try store.corral(["--profile", locked]).run(["cat", "/etc/marker"])
        #expect(refused.status == 125 && refused.errors.contains("--image: image is locked by"), "\(refused)")
        #expect(
            refused.errors.contains("stays host") || refused.errors.contains("stays \"host\""), "\(refused)")
    }

    @Test func `a plan shows what of the tree would be mounted`() throws {
        let store = try TreeStore()
        try store.change("mkdir tmp")
        let ended = try store.corral(["--plan"]).run(["true"])
        for line in [
            "  tree /usr, read-only, nosuid, nodev", "  link /bin -> usr/bin", "  link /var/run -> /run",
        ] {
            #expect(ended.lines.contains(line), "\(ended)")
        }
        #expect(!ended.text.contains("tree /tmp"))
    }

    @Test func `a profile names an image of the store`() throws {
        let store = try TreeStore()
        let profile = try store.directory.write(
            "tree.yaml", "description: x\nextends: default\nimage: tree\n")
        var corral = Corral(["--profile", profile])
        corral.variables["CORRAL_IMAGES"] = store.store
        #expect(try corral.run(["cat", "/etc/marker"]).text == "made by hand")
    }

    /// Whether the tree has the link or no /var at all; one with something else is refused.
    @Test func `the relay's socket is where programs look for it`() throws {
        let store = try TreeStore()
        let socket = store.directory("host.sock")
        let script = """
            import signal, socket, sys
            signal.alarm(120)
            listener = socket.socket(socket.AF_UNIX); listener.bind(sys.argv[1]); listener.listen()
            print("ready", flush=True); signal.pause()
            """
        let host = try Program([Corral.python, "-ISc", script, socket]).start()
        try #require(try host.waitForText("ready"))
        let corral = store.corral(["--relay", "tgo=\(socket)"])
        let look = ["stat", "-c", "%F", "/var/run/tgo/tgo.sock"]
        for change in [":", "mkdir var; ln -s /run var/run", "ln -sfn ../run var/run"] {
            try store.change(change)
            let ended = try corral.run(look)
            #expect(ended.text == "socket", "\(change): \(ended)")
        }
        try store.change("rm var/run; mkdir var/run")
        let refused = try corral.run(look)
        #expect(refused.status == 125 && refused.errors.contains("/var/run is no link to /run"), "\(refused)")
        #expect(try store.corral().run(["true"]).status == 127, "without a relay it is no matter")
        try host.signal(9)
    }

    @Test(.enabled(if: File.exists("/usr/bin/setpriv"), "needs setpriv"))
    func `an ordinary user's sandbox has the tree, too`() throws {
        let store = try TreeStore()
        let user = String(Host.ordinaryUser)
        let installed = try Product.install(to: store.directory("installed"))
        let words = ["setpriv", "--reuid", user, "--regid", user, "--clear-groups", "--", installed, "run"]
        var environment = Program.environment
        environment["CORRAL_IMAGES"] = store.store
        let command = [
            "--image", "tree", "--", "sh", "-c",
            "cat /etc/marker; (echo x >/etc/y) 2>/dev/null || echo refused",
        ]
        let outcome = try Program(words + command, environment: environment).start().wait(timeout: 60)
        #expect(outcome.status == 0 && outcome.output == "made by hand\nrefused\n", "\(outcome.errors)")
    }
}
