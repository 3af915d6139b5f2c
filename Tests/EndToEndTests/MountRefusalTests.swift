// Mounts that are refused: by what their source is, however a path leads there, and by their place.

import Glibc
import Linux
import TestSupport
import Testing

@Suite struct MountRefusalTests {
    private static func refused(
        _ source: String, _ says: String, _ wrapper: [String] = [], user: UInt32? = nil,
        corral: String = Corral.path
    ) throws {
        let words = wrapper + [corral, "run", "-v", "\(source):/x", "--", "ls", "-R", "/x"]
        let outcome = try Program(words, user: user).start().wait(timeout: 60)
        Refusal("", [], says: says).check(outcome)
    }

    @Test(arguments: [
        ("/", "it is /,"), ("/..", "it is /,"), ("/etc", "it is /etc,"), ("/etc/ssl/certs", "is below /etc"),
        ("/usr/../etc", "it is /etc,"), ("/etc/passwd", "it is below /etc"), ("/proc", "it is /proc,"),
        ("/proc/self", "is below /proc"), ("/sys/kernel", "it is below /sys"), ("/dev", "it is /dev,"),
        ("/dev/shm", "it is below /dev"), ("/run", "it is /run,"), ("/var/run", "it is /run,"),
        ("/boot", "it is /boot,"), ("/root", "it is /root,"), ("/home", "it is /home,"),
        ("/dev/null", "it is a device"), ("/proc/self/fd/0", "one of a process's own"),
        ("/proc/self/root", "one of a process's own"), ("/nonexistent/x", "corral makes none on the host"),
    ])
    func `a place that no sandbox may see is refused`(source: String, says: String) throws {
        try Self.refused(source, says)
    }

    @Test func `links and dots lead to the same refusals`() throws {
        let directory = try TemporaryDirectory()
        try File.makeDirectories(directory("a/b"))
        for (name, target) in [("etc", "/etc"), ("a/up", "../../.."), ("loop", "loop"), ("chain", "etc")] {
            _ = try call("symlink") { unsafe symlink(target, directory(name)) }
        }
        let cases = [
            ("etc", "it is /etc,"), ("etc/ssl", "it is /etc/ssl, which is below /etc"),
            ("chain", "it is /etc,"),
            ("a/up", "it is /,"), ("a/b/../up/etc", "it is /etc,"), ("loop", "too many symbolic links"),
        ]
        for (name, says) in cases { try Self.refused(directory(name), says) }
        // A link to what may be seen is followed.
        _ = try call("symlink") { unsafe symlink("a/b", directory("fine")) }
        try File.write(Array("text".utf8), to: directory("a/b/file"))
        let shown = try Corral.run(["-v", "\(directory("fine")):/x", "ls", "/x"])
        #expect(shown.output == "file\n", "\(shown.errors)")
    }

    /// Each in a mount namespace of the test's own, which is gone with its script.
    @Test(.enabled(if: Host.isRoot, "only root can mount"))
    func `a bind mount of such a place is that place`() throws {
        let directory = try TemporaryDirectory()
        let place = directory("place")
        let file = try directory.write("file", "")
        try File.makeDirectories(place)
        func mounting(_ what: String) -> [String] {
            ["unshare", "-m", "sh", "-c", "\(what) && exec \"$@\"", "sh"]
        }
        let cases = [
            ("mount --bind /etc \(place)", place, "is /etc, by another mount"),
            ("mount --bind /etc/ssl \(place)", place, "is below /etc, by another mount"),
            ("mount --bind /etc/ssl \(place)", "\(place)/certs", "is below /etc, by another mount"),
            ("mount --bind /etc/passwd \(file)", file, "is below /etc, by another mount"),
            ("mount --bind / \(place)", place, "is /, by another mount"),
            ("mount --bind / \(place)", "\(place)/home", "is /home, by another mount"),
            ("mount --bind / \(place)", "\(place)/etc/ssl", "is below /etc, by another mount"),
            ("mount -t proc none \(place)", place, "a file system of the kernel's, a proc"),
            ("mount -t tmpfs none /run && mount --bind /run \(place)", place, "is /run, by another mount"),
            (
                "mkdir -p /run/corral && mount -t tmpfs none /run/corral && mount --bind /run/corral \(place)",
                place, "/run"
            ),
            (
                "mkdir \(place)/m && mount -t tmpfs none /boot && mkdir /boot/b && mount -t tmpfs n /boot/b && "
                    + "mount --bind /boot/b \(place)/m", "\(place)/m",
                "what is mounted at /boot/b, below /boot"
            ),
        ]
        for (what, source, says) in cases { try Self.refused(source, says, mounting(what)) }
        // The same mount of what may be seen is shown.
        let words = [Corral.path, "run", "-v", "\(place):/x", "--", "ls", "/x"]
        let seen = try Program.run(mounting("mount --bind \(directory.path) \(place)") + words)
        #expect(seen.output.contains("file\n"), "\(seen.errors)")
    }

    @Test func `sockets and FIFOs are refused, and a directory with a container engine's socket`() throws {
        let directory = try TemporaryDirectory()
        try File.makeDirectories(directory("engine"))
        let script =
            "import os, socket, sys\nos.mkfifo(sys.argv[1] + '/fifo')\nfor name in sys.argv[2:]:"
            + " socket.socket(socket.AF_UNIX).bind(sys.argv[1] + '/' + name)"
        let names = ["socket", "engine/docker.sock"]
        #expect(try Program.run([Corral.python, "-c", script, directory.path] + names).status == 0)
        try Self.refused(directory("socket"), "it is a socket")
        try Self.refused(directory("engine/docker.sock"), "it is a socket")
        try Self.refused(directory("fifo"), "it is a FIFO")
        try Self.refused(directory("engine"), "a container engine's socket, docker.sock")
        // Another program's socket does not make its directory unfit.
        #expect(try Corral.run(["-v", "\(directory.path):/x:ro", "true"]).status == 0)
    }

    @Test func `Corral's own state is refused, and what holds it`() throws {
        let directory = try TemporaryDirectory()
        try File.makeDirectories(directory("store/images/names"))
        var environment = Program.environment
        environment["CORRAL_IMAGES"] = directory("store/images")
        for (name, what) in [("store/images", "is"), ("store/images/names", "is below"), ("store", "holds")] {
            let words = [Corral.path, "run", "-v", "\(directory(name)):/x", "--", "true"]
            let outcome = try Program.run(words, environment: environment)
            Refusal("", [], says: "it \(what) \(directory("store/images"))").check(outcome)
            #expect(try Program.run(words).status == 0)
        }
        // Not there yet, and what the program made there would be believed.
        environment["CORRAL_IMAGES"] = directory("store/later/images")
        let words = [Corral.path, "run", "-v", "\(directory("store")):/x", "--", "true"]
        let outcome = try Program.run(words, environment: environment)
        Refusal("", [], says: "it holds \(directory("store/later/images"))").check(outcome)
    }

    /// A workspace is as much a way to the host as a mount, and is not checked less.
    @Test func `the same places are refused as a workspace`() throws {
        let directory = try TemporaryDirectory()
        try File.makeDirectories(directory("home/.config/corral/profiles"))
        try File.makeDirectories(directory("home/plugin"))
        var environment = Program.environment
        environment["XDG_CONFIG_HOME"] = directory("home/.config")
        let profiles = directory("home/.config/corral/profiles")
        for (path, says) in [
            ("/", "it is /,"), ("/etc", "it is /etc,"), ("/etc/ssl", "it is below /etc"),
            ("/root", "it is /root,"), ("/dev/shm", "it is below /dev"),
            (directory("home"), "it holds \(profiles)"), (profiles, "it is \(profiles)"),
        ] {
            let words = [Corral.path, "run", "--workspace", path, "--", "true"]
            let outcome = try Program.run(words, environment: environment)
            Refusal("", [], says: "--workspace \(path) cannot be mounted", says).check(outcome)
        }
        let words = [Corral.path, "run", "--workspace", directory("home/plugin"), "--", "true"]
        #expect(try Program.run(words, environment: environment).status == 0)
    }

    @Test(arguments: [
        Refusal("needed", ["-v", "/srv:/proc/x"], says: "nothing can be mounted at /proc/x"),
        Refusal("of the image", ["-v", "/srv:/etc/passwd"], says: "/etc/passwd", "of its own there"),
        Refusal("above", ["-v", "/srv:/etc"], says: "the image has /etc/"),
        Refusal("link", ["-v", "/srv:/bin/x"], says: "/bin is a link, to usr/bin; give the path behind it"),
        Refusal("twice", ["-v", "/srv:/a", "--tmpfs", "/a"], says: "two mounts at /a"),
        Refusal("relative", ["-v", "/srv:a"], says: "--volume", "absolute path"),
        Refusal(
            "many", (0..<25).flatMap { ["--tmpfs", "/a\($0)"] }, says: "25 mounts; expected at most 24"),
    ])
    func `a place inside that cannot be is refused`(refusal: Refusal) throws {
        var refusal = refusal
        refusal.words += ["--", "true"]
        try refusal.check()
    }

    @Test func `a plan shows the mounts and does nothing`() throws {
        let directory = try TemporaryDirectory()
        let outcome = try Corral.run([
            "--plan", "-v", "\(directory.path):/srv/data:ro", "--tmpfs", "/scratch:size=1m", "--", "true",
        ])
        #expect(outcome.output.contains("mount \(directory.path) at /srv/data, "), "\(outcome.errors)")
        #expect(
            outcome.output.contains(", read-only\n")
                && outcome.output.contains("tmpfs /scratch, 1048576 bytes"))
    }

    @Test func `as many mounts as there may be are all there, and nothing of them is left`() throws {
        let directory = try TemporaryDirectory()
        var words: [String] = []
        for number in 0..<24 {
            try directory.write("\(number)/f", "\(number)\n")
            words += ["-v", "\(directory("\(number)")):/m/\(number)"]
        }
        let outcome = try Corral.leavesNothing {
            try Corral.run(words + ["--", "sh", "-c", "cat /m/*/f | wc -l"])
        }
        #expect(outcome.output == "24\n", "\(outcome.errors)")
    }
}

/// The same for somebody who may not mount: the sandbox's init does it.
@Suite(.enabled(if: Host.isRoot, "only root can become another user"))
struct OrdinaryUserMountTests {
    @Test func `files are the user's own outside and the program's inside`() throws {
        let user = try OrdinaryUser()
        let own = try user.ownDirectory("own")
        let other = try user.directory.write("other/file", "text\n")
        let options = [
            "-v", "\(own):/srv/data", "-v", "\(other):/etc/app.conf:ro", "--tmpfs", "/t:size=1m,mode=0700",
        ]
        let outcome = try user.run(
            options + [
                "--", "sh", "-c",
                """
                cat /etc/app.conf; echo new > /srv/data/file; stat -c %u:%g /srv/data/file; (echo x > /etc/app.conf)
                touch /t/x && grep -c ' /srv/data rw,nosuid,nodev' /proc/self/mountinfo
                """,
            ])
        #expect(outcome.output == "text\n1000:1000\n1\n", "\(outcome.errors)")
        #expect(outcome.errors.contains("Read-only file system"))
        #expect(try OrdinaryUser.owner(of: "\(own)/file") == "\(OrdinaryUser.uid):\(OrdinaryUser.uid)")
        #expect(File.text(other) == "text\n")
    }

    @Test func `what the user may not read stays closed, and refused places are refused`() throws {
        let user = try OrdinaryUser()
        let secret = try user.directory.write("secret/file", "corral-bait\n", mode: 0o600)
        let shown = try user.run(["-v", "\(user.directory("secret")):/x", "--", "cat", "/x/file"])
        #expect(shown.status == 1 && shown.output == "" && shown.errors.contains("Permission denied"))
        for (source, says) in [("/etc", "it is /etc,"), (secret, ""), ("/root", "it is /root,")] {
            let outcome = try user.run(["-v", "\(source):/x", "--", "cat", "/x"])
            #expect(
                outcome.output == "" && outcome.status != 0 && outcome.errors.contains(says),
                "\(outcome.errors)")
        }
    }

    /// For the launcher what is mounted below is left out; here the kernel does not let it.
    @Test func `a source with something mounted below it is an error, not a window`() throws {
        let user = try OrdinaryUser()
        let own = try user.ownDirectory("own")
        try File.makeDirectories("\(own)/sub")
        let id = "\(OrdinaryUser.uid)"
        let script = #"mount -t tmpfs none "$0" && echo corral-bait > "$0/below" && exec "$@""#
        let words =
            ["unshare", "-m", "sh", "-c", script, "\(own)/sub", "setpriv", "--reuid", id, "--regid", id]
            + ["--clear-groups", "--", user.corral, "run", "-v", "\(own):/x", "--", "cat", "/x/sub/below"]
        let outcome = try Program.run(words)
        #expect(outcome.status == 125 && outcome.output == "", "\(outcome.errors)")
        #expect(outcome.errors.contains("nothing may be mounted below the source"), "\(outcome.errors)")
    }

    @Test(
        .enabled(if: File.exists("/usr/bin/newuidmap"), "newuidmap is not installed"),
        .enabled(if: File.exists("/etc/subuid") && File.exists("/etc/subgid"), "there is no /etc/subuid"))
    func `an init with a uid of its own mounts what is open to the user alone`() throws {
        let user = try OrdinaryUser()
        let own = try user.ownDirectory("own")
        try File.makeDirectories("\(own)/inner")
        let id = try #require(UInt32(SubordinateIDTests.uid))
        for path in [own, "\(own)/inner"] {
            _ = try call("chown", on: path) { unsafe chown(path, id, id) }
            _ = try call("chmod", on: path) { unsafe chmod(path, 0o700) }
        }
        let script = "echo new > /x/file; cat /x/file; stat -c %u /x/file"
        let outcome = try SubordinateIDTests.start(
            user, [user.corral, "run", "-v", "\(own)/inner:/x", "--", "sh", "-c", script])
        #expect(outcome.output == "new\n1000\n", "\(outcome.errors)")
        #expect(try OrdinaryUser.owner(of: "\(own)/inner/file") == "\(id):\(id)")
    }

    /// The init finds the source again by its path: what somebody put there meanwhile is not mounted.
    @Test func `a source that is swapped never shows what was not checked`() throws {
        let user = try OrdinaryUser()
        try user.directory.write("name/marker", "")
        _ = try call("symlink") { unsafe symlink("/etc", user.directory("other")) }
        let swapper = try Program(
            [Corral.python, "-ISc", Self.swaps, user.directory("name"), user.directory("other")]
        ).start()
        #expect(try swapper.waitForText("swapping"))
        var seen: Set<String> = []
        for _ in 0..<60 {
            let words = ["-v", "\(user.directory("name")):/data:ro", "--", "ls", "/data"]
            let outcome = try user.program(words).start().wait(timeout: 60)
            seen.insert(
                outcome.status == 0 ? outcome.output : "refused \(outcome.status ?? -1)\(outcome.output)")
        }
        try swapper.signal(SIGTERM)
        let swaps = try swapper.wait(timeout: 60).output.split(separator: "\n").last.flatMap { Int($0) }
        #expect(try #require(swaps) > 1000)
        #expect(seen.isSubset(of: ["marker\n", "refused 125"]), "\(seen)")
    }

    /// Exchanges two names until it is told to stop, then prints how often it did.
    private static let swaps = """
        import ctypes, signal, sys
        libc = ctypes.CDLL(None)
        going = True
        def stop(*_):
            global going
            going = False
        signal.signal(signal.SIGTERM, stop)
        names = [name.encode() for name in sys.argv[1:]]
        print("swapping", flush=True)
        count = 0
        while going:
            assert libc.renameat2(-100, names[0], -100, names[1], 2) == 0
            count += 1
        print(count)
        """
}
