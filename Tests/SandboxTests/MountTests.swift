// What a sandbox sees as its root: its mounts, its devices, its /proc.

import Sandbox
import TestSupport
import Testing

/// A line of /proc/self/mountinfo (proc_pid_mountinfo(5)).
private struct Mount {
    /// The directory of the file system that is mounted.
    let root: String
    let place: String
    let options: Set<String>
    let type: String

    init?(_ line: String) {
        let fields = line.split(separator: " ").map(String.init)
        guard fields.count > 8, let dash = fields.firstIndex(of: "-"), fields.count > dash + 1 else {
            return nil
        }
        root = fields[3]
        place = fields[4]
        options = Set(fields[5].split(separator: ",").map(String.init))
        type = fields[dash + 1]
    }

    static func all(_ corral: Corral = Corral()) throws -> [Mount] {
        try corral.run(["/usr/bin/cat", "/proc/self/mountinfo"]).lines.compactMap(Mount.init)
    }
}

/// The lines of `corral image inspect host`: what kind of thing is at which path.
private func inspected() throws -> [(kind: String, path: String)] {
    let outcome = try Program.run([Product.path("corral"), "image", "inspect", "host"])
    #expect(outcome.status == 0)
    return outcome.output.split(separator: "\n").compactMap { line in
        let words = line.split(separator: " ")
        return words.count > 1 ? (String(words[0]), String(words[1])) : nil
    }
}

@Suite(.enabled(if: Host.isRoot, "needs root"), .timeLimit(.minutes(20)))
struct MountTests {
    private static let writable = ["/tmp", "/run", "/home", "/dev/shm", "/workspace"]

    /// On hosts with systemd every mount is shared. A clone of a shared mount is its peer unless
    /// somebody sees to it: what the host mounts later would appear inside.
    @Test func `no mount of the sandbox is a peer or a slave of one of the host's`() throws {
        let directory = try TemporaryDirectory()
        // Peers of their own: where the host's mounts are shared they would be among its peers otherwise.
        let apart = ["unshare", "--mount", "--propagation", "private"]
        let shared = apart + ["unshare", "--mount", "--propagation", "shared"]
        let control = try Program.run(shared + ["cat", "/proc/self/mountinfo"])
        try #require(control.output.contains(" shared:"))
        for workspace in [[], ["--workspace", directory.path]] {
            let outcome = try Program.run(
                shared + [Product.path("corral"), "run"] + workspace + ["--", "cat", "/proc/self/mountinfo"])
            #expect(outcome.status == 0)
            #expect(!outcome.output.contains(" shared:") && !outcome.output.contains(" master:"))
        }
    }

    @Test func `what the image lists is what is mounted`() throws {
        let mounts = try Mount.all()
        let listed = try inspected()
        let kinds = ["bind", "tmpfs", "device", "proc", "masked", "workspace"]
        let places = listed.filter { kinds.contains($0.kind) }.map(\.path)
        let unknown = mounts.map(\.place).filter { $0 != "/" && !places.contains($0) }
        #expect(unknown == [])
        for (kind, path) in listed where ["tmpfs", "device", "proc", "workspace"].contains(kind) {
            #expect(mounts.contains { $0.place == path }, "\(kind) \(path) is not mounted")
        }
    }

    @Test func `everything is read-only, nosuid and nodev but what is meant to be written`() throws {
        for mount in try Mount.all() {
            #expect(mount.options.contains("nosuid"), "\(mount.place)")
            // Device files are mounted one by one; a mount of their own lets them work.
            let isDevice = mount.type == "devtmpfs"
            #expect(mount.options.contains(isDevice ? "noexec" : "nodev"), "\(mount.place)")
            let isWritable = MountTests.writable.contains(mount.place)
            #expect(mount.options.contains(isWritable ? "rw" : "ro"), "\(mount.place)")
        }
    }

    @Test func `no path of the host shows but those of the image`() throws {
        let listed = try inspected()
        let binds = listed.filter { $0.kind == "bind" }.map(\.path)
        let devices = listed.filter { $0.kind == "device" }.map { "/" + $0.path.split(separator: "/")[1] }
        for mount in try Mount.all() {
            let known =
                mount.root == "/" || binds.contains { mount.root.hasSuffix($0) }
                || devices.contains(mount.root)
            #expect(known, "\(mount.root) at \(mount.place)")
        }
    }

    @Test func `a directory given as workspace is the one path that shows`() throws {
        let directory = try TemporaryDirectory()
        let mounts = try Mount.all(Corral(["--workspace", directory.path]))
        let workspace = try #require(mounts.first { $0.place == "/workspace" })
        #expect(directory.path.hasSuffix(workspace.root))
        #expect(workspace.options.isSuperset(of: ["rw", "nosuid", "nodev"]))
        #expect(mounts.count { $0.root.contains("corral-test") } == 1)
    }

    @Test func `neither sysfs nor a cgroup file system is there`() throws {
        let types = try Mount.all().map(\.type)
        #expect(!types.contains { $0.hasPrefix("cgroup") || $0 == "sysfs" || $0 == "debugfs" })
        #expect(try Corral().shell("ls -d /sys /sys/fs/cgroup /root /boot /srv /mnt; exit 7").text == "")
    }

    @Test func `dev holds its devices and links and nothing else`() throws {
        let ended = try Corral().run(["ls", "/dev"])
        let names = [
            "fd", "full", "null", "random", "shm", "stderr", "stdin", "stdout", "tty", "urandom", "zero",
        ]
        #expect(ended.lines == names)
        let working = try Corral().shell(
            """
            set -e
            echo gone > /dev/null
            test "$(head -c 3 /dev/zero | od -An -tx1)" = " 00 00 00"
            test "$(head -c 8 /dev/urandom | wc -c)" = 8
            if (echo x > /dev/full) 2> /dev/null; then exit 3; fi
            if (: < /dev/tty) 2> /dev/null; then exit 4; fi
            : < /dev/stdin
            echo out > /dev/stdout
            echo error > /dev/stderr
            ls /dev/fd/ > /dev/null
            """)
        #expect(working.status == 0 && working.text == "out" && working.errors == "error", "\(working)")
    }

    @Test func `masked names are empty and cannot be written`() throws {
        let masked = try inspected().filter { $0.kind == "masked" }.map(\.path)
        #expect(masked.count > 10)
        let script = """
            import os, sys
            for path in sys.argv[1:]:
                if not os.path.exists(path): continue
                if os.path.isdir(path): content = os.listdir(path)
                else: content = open(path, "rb").read(100)
                if content: print(path, "has", content)
                try: open(path + "/x" if os.path.isdir(path) else path, "w"); print(path, "can be written")
                except OSError: pass
            print("looked")
            """
        #expect(try Corral().python(script, masked).text == "looked")
    }

    /// The operations that would change the host's own, and the errors they may end in.
    @Test func `what is read-only refuses every change`() throws {
        // ENOENT is what proc answers to whoever wants to make something in it.
        let script = """
            import errno, os
            refusals = (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOENT)
            def attempt(name, call, *arguments):
                try: call(*arguments); print(name, "succeeded")
                except OSError as error:
                    if error.errno not in refusals: print(name, error)
            for path in ("/", "/usr", "/usr/bin", "/etc", "/dev", "/var", "/proc", "/etc/ssl/certs", "/run"):
                attempt("create in " + path, lambda: open(path + "/new", "w"))
                attempt("mkdir in " + path, os.mkdir, path + "/new")
                attempt("link in " + path, os.symlink, "x", path + "/new")
                attempt("chmod " + path, os.chmod, path, 0o777)
                attempt("chown " + path, os.chown, path, 1000, 1000)
            for path in ("/etc/passwd", "/usr/bin/true", "/etc/ld.so.cache", "/etc/resolv.conf"):
                attempt("write " + path, lambda: open(path, "r+"))
                attempt("truncate " + path, os.truncate, path, 0)
                attempt("remove " + path, os.unlink, path)
                attempt("rename " + path, os.rename, path, path + ".old")
                attempt("utime " + path, os.utime, path)
            for name in ("kernel/core_pattern", "kernel/hostname", "vm/drop_caches", "net/ipv4/ip_forward"):
                attempt("write sys/" + name, lambda: open("/proc/sys/" + name, "w"))
            for name in ("oom_score_adj", "uid_map", "gid_map", "setgroups", "comm", "coredump_filter", "timerslack_ns"):
                attempt("write self/" + name, lambda: open("/proc/self/" + name, "w"))
            attempt("remove /workspace", os.rmdir, "/workspace")
            print("tried")
            """
        let ended = try Corral().python(script)
        #expect(ended.text == "tried", "\(ended)")
    }

    @Test func `writable places take files up to their size and no more`() throws {
        let script = """
            import errno, os
            for path in ("/tmp", "/home", "/dev/shm", "/workspace", os.path.expanduser("~"), "/var/tmp"):
                with open(path + "/file", "w") as file: file.write("x")
            os.mkdir("/workspace/sub"); os.rename("/workspace/file", "/workspace/sub/file")
            written = 0
            try:
                with open("/home/big", "wb", 0) as file:
                    while True: written += file.write(bytes(1 << 20))
            except OSError as error: print(errno.errorcode[error.errno], written >> 20)
            try:
                for number in range(5000): open("/home/%d" % number, "w").close()
            except OSError as error: print(errno.errorcode[error.errno])
            """
        let ended = try Corral().python(script)
        #expect(ended.lines == ["ENOSPC", "ENOSPC"] || ended.lines == ["ENOSPC 15", "ENOSPC"], "\(ended)")
    }

    @Test func `what is written in one sandbox is not in the next`() throws {
        let script = "cat /tmp/x /home/x /workspace/x /dev/shm/x 2> /dev/null; "
        let places = "for d in /tmp /home /workspace /dev/shm; do echo left > $d/x; done"
        #expect(try Corral().shell(script + places).text == "")
        #expect(try Corral().shell(script + places).text == "")
    }

    @Test func `names and ids are the sandbox's own`() throws {
        let ended = try Corral().shell(
            "id -u; id -g; id -un; hostname; pwd; umask; echo $HOME $PATH; env | wc -l")
        #expect(
            ended.lines == [
                "1000", "1000", "plugin", "sandbox", "/workspace", "0022",
                "/home /usr/local/bin:/usr/bin:/bin", "4",
            ])
    }
}
