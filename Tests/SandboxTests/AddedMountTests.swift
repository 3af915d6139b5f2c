// Mounts that the caller adds, in real sandboxes: -v, --mount, --tmpfs.

import Glibc
import Linux
import Sandbox
import TestSupport
import Testing

@Suite(.enabled(if: Host.isRoot, "needs root"), .timeLimit(.minutes(20)))
struct AddedMountTests {
    private func owner(_ path: String) -> [UInt32] {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return [] }
        return [status.st_uid, status.st_gid]
    }

    /// The mount options of a place inside, and the type of its file system.
    private func options(_ place: String, _ corral: Corral) throws -> Set<String> {
        let lines = try corral.run(["/usr/bin/cat", "/proc/self/mountinfo"]).lines
        let fields = lines.map { $0.split(separator: " ").map(String.init) }.first { $0[4] == place }
        return Set((fields?[5].split(separator: ",").map(String.init) ?? []))
    }

    @Test func `files keep their owner outside, and are the program's own inside`() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write("data/before", "text\n", mode: 0o600)
        let single = try directory.write("single", "one\n", mode: 0o600)
        for path in [directory("data"), file, single] { #expect(unsafe chown(path, 1234, 1235) == 0) }
        let corral = Corral(["-v", "\(directory("data")):/srv/data", "-v", "\(single):/etc/app.conf"])
        let ended = try corral.shell(
            """
            set -e
            cat /srv/data/before /etc/app.conf; echo new > /srv/data/new; echo two >> /etc/app.conf
            stat -c %u:%g /srv/data /srv/data/before /srv/data/new /etc/app.conf | sort -u
            """)
        #expect(ended.lines == ["text", "one", "1000:1000"] && ended.status == 0, "\(ended)")
        #expect(owner(directory("data/new")) == [1234, 1235])
        #expect(File.text(single) == "one\ntwo\n" && owner(single) == [1234, 1235])
    }

    @Test func `what is read-only refuses every change, and the same place without ro takes it`() throws {
        let directory = try TemporaryDirectory(mode: 0o777)
        let file = try directory.write("file", "text\n", mode: 0o666)
        let script = """
            for what in 'touch D/new' 'rm D/file' 'chmod 600 D/file' 'sh -c "echo x > D/file"' 'sh -c "echo x > /f"'
            do what=$(echo "$what" | sed s,D,/data,g); if eval "$what" 2> /dev/null; then echo "$what"; fi; done
            """
        let readOnly = ["\(directory.path):/data:ro", "\(file):/f:ro"].flatMap { ["-v", $0] }
        let mount = "type=bind,source=\(directory.path),target=/data,readonly"
        for options in [readOnly, ["--mount", mount, "-v", "\(file):/f:ro"]] {
            #expect(try Corral(options).shell(script).text == "")
            // The mount alone, without landlock.
            #expect(try Corral(options, without: [.landlockFiles]).shell(script).text == "")
        }
        #expect(File.names(in: directory.path) == ["file"] && File.text(file) == "text\n")
        let writable = readOnly.map { $0.hasSuffix(":ro") ? String($0.dropLast(3)) : $0 }
        let control = try Corral(writable).shell(script)
        #expect(control.lines.count == 4 && control.lines.first == "touch /data/new", "\(control)")
    }

    @Test func `a mount is nosuid and nodev, and what the host has in it gives no rights`() throws {
        let directory = try TemporaryDirectory()
        try File.write(try File.read("/usr/bin/id"), to: directory("id"), mode: 0o755)
        #expect(unsafe chown(directory("id"), 1234, 1234) == 0 && chmod(directory("id"), 0o6755) == 0)
        #expect(unsafe mknod(directory("null"), S_IFCHR | 0o666, 0x103) == 0)
        #expect(unsafe chmod(directory("null"), 0o666) == 0)
        // Outside, both work.
        let outside = try Program.run([directory("id")], uid: Host.ordinaryUser)
        #expect(outside.output.contains("euid=1234"))
        let device = ["sh", "-c", "echo x > \(directory("null")) && echo written"]
        #expect(try Program.run(device, uid: Host.ordinaryUser).output == "written\n")
        // Without the other layers that would keep rights away.
        let corral = Corral(
            ["-v", "\(directory.path):/data"],
            without: [.landlockFiles, .landlockTCP, .landlockScopes, .seccomp, .noNewPrivileges])
        let ended = try corral.shell("/data/id; (echo x > /data/null) && echo written")
        #expect(ended.text == "uid=1000(plugin) gid=1000(plugin) groups=1000(plugin)", "\(ended)")
        #expect(try options("/data", corral).isSuperset(of: ["rw", "nosuid", "nodev"]))
    }

    /// They would be the host user's, and the host's own mount honours them.
    @Test func `no file in it becomes setuid or setgid, by whichever call`() throws {
        let directory = try TemporaryDirectory(mode: 0o777)
        let script = """
            import os, sys
            for mode in (0o4755, 0o2755):
                try: os.close(os.open(sys.argv[1] + "/new%o" % mode, os.O_CREAT, mode)); print("made")
                except OSError: pass
                path = sys.argv[1] + "/file"
                open(path, "w").close()
                try: os.chmod(path, mode); print("changed")
                except OSError: pass
            """
        let mount = ["-v", "\(directory.path):/data"]
        #expect(try Corral(mount).python(script, ["/data"]).text == "")
        let control = try Corral(mount, without: [.seccomp]).python(script, ["/data"])
        #expect(control.lines.contains("changed") && control.lines.contains("made"), "\(control)")
        // openat2 hides its mode from a filter: there is none with a directory of the host (ENOSYS), and
        // this wrong call reaches the kernel (EINVAL) without one.
        let hidden = """
            import ctypes, errno
            libc = ctypes.CDLL(None, use_errno=True)
            libc.syscall(437, -100, b"/", None, 0)
            print(errno.errorcode[ctypes.get_errno()])
            """
        #expect(try Corral(mount).python(hidden).text == "ENOSYS")
        #expect(try Corral(["--tmpfs", "/data"]).python(hidden).text == "EINVAL")
    }

    @Test func `links in it lead nowhere outside, and mounts below it are not part of it`() throws {
        let directory = try TemporaryDirectory(mode: 0o777)
        let secret = try TemporaryDirectory()
        try secret.write("secret", "corral-bait\n")
        try File.makeDirectories(directory("sub"))
        #expect(unsafe symlink(secret("secret"), directory("link")) == 0)
        let corral = Corral(["-v", "\(directory.path):/data"])
        let words = corral.program(
            ["sh", "-c", "cat /data/link /data/../etc/shadow; ls /data/sub"], report: false
        )
        .arguments
        let script = #"mount -t tmpfs none "$0" && touch "$0/below" && "$@""#
        let outcome = try Program.run(["unshare", "-m", "sh", "-c", script, directory("sub")] + words)
        #expect(outcome.status == 0 && outcome.output == "", "\(outcome.output) \(outcome.errors)")
    }

    @Test func `mounts are made inside each other, in the workspace and over directories of the image`()
        throws
    {
        let directory = try TemporaryDirectory(mode: 0o777)
        for name in ["outer/inner/x", "other/y", "host/z"] { try directory.write(name, name) }
        let place = try #require(
            ["/usr/share/doc", "/usr/share/man", "/usr/share"].first { File.exists($0) })
        let corral = Corral([
            "-v", "\(directory("other")):/a/inner", "-v", "\(directory("outer")):/a:ro", "--tmpfs", "/t",
            "-v", "\(directory("host")):/t/u/v", "-v", "\(directory("host")):/workspace/deps/host:ro",
            "-v", "\(directory("host")):\(place):ro",
        ])
        let ended = try corral.shell("cd / && ls a a/inner t/u/v workspace/deps/host .\(place)")
        #expect(
            ended.text
                == ".\(place):\nz\na:\ninner\na/inner:\ny\nt/u/v:\nz\nworkspace/deps/host:\nz", "\(ended)")
        // Nothing was made on the host for it.
        #expect(File.names(in: directory("outer")) == ["inner"])
    }

    @Test func `a place in what is the image's or the host's own has to be there`() throws {
        let directory = try TemporaryDirectory()
        try directory.write("file", "")
        let cases = [
            (["-v", "\(directory.path):/usr/nonexistent"], "has to exist"),
            (["-v", "\(directory.path):/usr/bin/true"], "a directory can be mounted on a directory only"),
            (["-v", "\(directory("file")):/usr/bin"], "a file on a file"),
            (["-v", "\(directory.path):/a", "--tmpfs", "/a/b"], "has to exist"),
        ]
        for (options, says) in cases {
            let ended = try Corral(options).shell("echo started")
            #expect(ended.status == 125 && ended.text == "" && ended.errors.contains(says), "\(ended)")
        }
        #expect(File.names(in: directory.path) == ["file"])
    }

    @Test func `a memory file system has its size, its files, its mode, and is the program's`() throws {
        let corral = Corral([
            "--tmpfs", "/a:size=1m,mode=0700", "--mount",
            "type=tmpfs,target=/b,tmpfs-size=64k,tmpfs-mode=0750",
            "--tmpfs", "/c:nr_inodes=16,exec", "--tmpfs", "/tmp:size=2m",
        ])
        let script = """
            import errno, os
            def fill(path):
                written = 0
                try:
                    with open(path + "/big", "wb", 0) as file:
                        while written < 1 << 23: written += file.write(bytes(4096))
                except OSError as error: print(path, errno.errorcode[error.errno], written >> 10)
            for path in ("/a", "/b", "/tmp"):
                status = os.stat(path); print("%o" % status.st_mode, status.st_uid, status.st_gid)
                fill(path)
            try:
                for number in range(64): open("/c/%d" % number, "w").close()
            except OSError as error: print(errno.errorcode[error.errno], number < 16)
            """
        let ended = try corral.python(script)
        #expect(
            ended.lines == [
                "40700 1000 1000", "/a ENOSPC 1024", "40750 1000 1000", "/b ENOSPC 64", "41777 1000 1000",
                "/tmp ENOSPC 2048", "ENOSPC True",
            ], "\(ended)")
        #expect(try options("/a", corral).isSuperset(of: ["rw", "nosuid", "nodev", "noexec"]))
        #expect(try !options("/c", corral).contains("noexec"))
    }

    @Test func `a memory file system counts as memory of the sandbox`() throws {
        let corral = Corral(["--memory", "64MiB", "--tmpfs", "/big:size=512m"])
        let ended = try corral.shell("exec head -c 200m /dev/zero > /big/x")
        #expect(ended.cause == "memory", "\(ended)")
    }

    @Test func `the root stays read-only, and --read-only says so`() throws {
        let directory = try TemporaryDirectory(mode: 0o777)
        let corral = Corral(["--read-only", "-v", "\(directory.path):/data"])
        let ended = try corral.shell(
            "touch /new /etc/new /usr/new 2> /dev/null; touch /data/new /tmp/new && echo ok")
        #expect(ended.text == "ok" && File.names(in: directory.path) == ["new"], "\(ended)")
    }

    /// Somebody exchanges the source with a link to a refused place all the while.
    @Test func `a source that is swapped never shows what was not checked`() throws {
        let directory = try TemporaryDirectory()
        try directory.write("name/marker", "good\n")
        #expect(unsafe symlink("/etc", directory("other")) == 0)
        let swapper = try Program(Swaps.command(directory("name"), directory("other"))).start()
        #expect(try swapper.waitForText("swapping"))
        var seen: Set<String> = []
        for _ in 0..<60 {
            let ended = try Corral(["-v", "\(directory("name")):/data:ro"]).shell("cd /data && ls")
            seen.insert(ended.status == 0 ? ended.text : "refused")
            if ended.status != 0 { #expect(ended.status == 125 && ended.text == "", "\(ended)") }
        }
        try swapper.signal(SIGTERM)
        let swaps = try swapper.wait(timeout: 60).output.split(separator: "\n").last.flatMap { Int($0) }
        #expect(try #require(swaps) > 1000)
        #expect(seen.isSubset(of: ["marker", "refused"]), "\(seen)")
    }
}

/// A program that exchanges two names until it is told to stop, and then prints how often it did.
enum Swaps {
    static func command(_ one: String, _ other: String) -> [String] {
        let script = """
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
        return [Corral.python, "-ISc", script, one, other]
    }
}
