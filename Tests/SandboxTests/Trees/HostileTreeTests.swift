// Trees that try to lead the launch, or the program, out of the sandbox.

import Glibc
import Linux
import TestSupport
import Testing

@Suite(.enabled(if: Host.isRoot, "needs root"), .timeLimit(.minutes(20)))
struct HostileTreeTests {
    /// Something of the host that a tree points at.
    private static func bait() throws -> TemporaryDirectory {
        let bait = try TemporaryDirectory(mode: 0o777)
        try bait.write("secret", "corral-bait\n", mode: 0o666)
        return bait
    }

    /// Each as a link at the top of the tree, to a directory of the host by an absolute path and by one
    /// that climbs.
    @Test(
        arguments: ["dev", "proc", "sys", "tmp", "run", "home", "workspace"], ["", "../../../../../../.."])
    func `a place of the sandbox that is a link in the tree stays the sandbox's`(
        name: String, climb: String
    ) throws {
        let bait = try HostileTreeTests.bait()
        let store = try TreeStore(programs: ["sh", "cat"])
        try store.change("ln -s \"$1\" \(name)", [climb + bait.path])
        #expect(File.text("\(store.root)/\(name)/secret") == "corral-bait\n", "outside the link leads there")
        let script = """
            cat /\(name)/secret \(bait.path)/secret 2>/dev/null
            (echo changed >/\(name)/secret) 2>/dev/null
            (echo made >/\(name)/made) 2>/dev/null
            echo looked
            """
        let ended = try store.corral().shell(script)
        #expect(ended.text == "looked", "\(ended)")
        #expect(File.names(in: bait.path) == ["secret"])
        #expect(File.text(bait("secret")) == "corral-bait\n")
    }

    @Test(arguments: ["", "../../../../../../.."])
    func `etc as a link to the host's is a link to nowhere`(climb: String) throws {
        let bait = try HostileTreeTests.bait()
        let store = try TreeStore(programs: ["sh", "cat", "ls"])
        try store.change(
            """
            rm -r etc; ln -s "$1" etc; ln -s "$1" usr/share; ln -s "$1/secret" usr/file; ln -s / usr/root
            ln -s /proc/1/root usr/init; ln -s ../../../../.. usr/up
            """, [climb + bait.path])
        #expect(
            File.text("\(store.root)/usr/share/secret") == "corral-bait\n", "outside the link leads there")
        let script = """
            for path in /etc/secret /usr/share/secret /usr/file /usr/root\(bait.path)/secret \
                /usr/init\(bait.path)/secret /usr/up\(bait.path)/secret; do
                cat $path 2>/dev/null
            done
            ls /usr/root/
            """
        let ended = try store.corral().shell(script)
        #expect(
            ended.lines == [
                "bin", "dev", "etc", "home", "lib", "lib64", "opt", "proc", "run", "tmp", "usr", "var",
                "workspace",
            ], "\(ended)")
    }

    @Test func `every top directory as a link to one of the host's mounts nothing of the host`() throws {
        let bait = try HostileTreeTests.bait()
        let store = try TreeStore(programs: ["sh", "cat"])
        try store.change(
            "for name in a b c; do ln -s \"$1\" $name; done; ln -s /etc/shadow shadow; ln -s /proc/self/fd fds",
            [bait.path])
        let ended = try store.corral().shell("cat /proc/self/mountinfo; cat /a/secret /shadow || echo absent")
        #expect(ended.lines.last == "absent", "\(ended)")
        #expect(!ended.text.contains(bait.path), "\(ended)")
    }

    @Test(.enabled(if: File.exists("/usr/bin/setpriv"), "needs setpriv"))
    func `a setuid file of the tree gives no rights`() throws {
        let store = try TreeStore(programs: ["sh", "id"])
        try store.change("cp usr/bin/id usr/bin/setuid; chmod 6755 usr/bin/setuid")
        let ended = try store.corral().run(["setuid", "-u"])
        #expect(ended.status == 0 && ended.text == "1000", "\(ended)")
        // The same file outside: it would give them.
        let user = String(Host.ordinaryUser)
        let outside = try Program.run(
            [
                "setpriv", "--reuid", user, "--regid", user, "--clear-groups", "\(store.root)/usr/bin/setuid",
                "-u",
            ])
        if outside.output != "0\n" { Host.skip("/tmp is mounted nosuid here, so there is no control") }
    }

    @Test func `device nodes of the tree cannot be used, and those of dev are not there`() throws {
        let store = try TreeStore(programs: ["sh", "cat", "ls"])
        try store.change("mkdir dev; for at in usr/zero zero dev/evil; do mknod -m 666 $at c 1 5; done")
        let control = try Program.run(["head", "-c", "3", "\(store.root)/usr/zero"])
        if control.stdout.count != 3 { Host.skip("/tmp is mounted nodev here, so there is no control") }
        let script = """
            (: </usr/zero) 2>/dev/null && echo the device of the tree works
            ls -d /zero /dev/evil 2>/dev/null
            (: </dev/zero) && echo the device of the sandbox works
            """
        let ended = try store.corral().shell(script)
        #expect(ended.text == "the device of the sandbox works", "\(ended)")
    }

    @Test func `sockets and pipes at the top are left out`() throws {
        let store = try TreeStore(programs: ["sh", "ls"])
        try store.change("mkfifo pipe")
        let ended = try store.corral().run(["ls", "/"])
        #expect(ended.status == 0 && !ended.lines.contains("pipe") && ended.lines.contains("usr"), "\(ended)")
    }

    @Test func `a hundred thousand files in the tree are no matter`() throws {
        let store = try TreeStore(programs: ["sh", "ls"])
        let script =
            "import os, sys\nfor n in range(100000): os.close(os.open(f'{sys.argv[1]}/{n}', os.O_CREAT))"
        try store.change("mkdir usr/many; \"$1\" -c \"$2\" usr/many", [Corral.python, script])
        let ended = try store.corral().shell("set -- /usr/many/*; echo $#")
        #expect(ended.status == 0 && ended.text == "100000", "\(ended)")
    }

    @Test func `a tree with too many names at its top is refused`() throws {
        let store = try TreeStore(programs: ["sh", "ls"])
        try store.change("for i in $(seq 240); do mkdir d$i; done")
        let many = try store.corral().run(["ls", "/"])
        #expect(many.status == 0 && many.lines.contains("d240"), "\(many)")
        try store.change("for i in $(seq 241 300); do mkdir d$i; done")
        let refused = try store.corral().run(["ls", "/"])
        #expect(
            refused.status == 125 && refused.errors.contains("has more than 256 names at its top"),
            "\(refused)")
    }

    @Test func `what is mounted in the tree on the host does not come along`() throws {
        let store = try TreeStore(programs: ["sh", "cat"])
        try store.change("mkdir opt/mounted; echo below >opt/mounted/file")
        // In a mount namespace of its own, which takes the mount with it.
        let script = """
            mount -t tmpfs corral-test "$1/opt/mounted" && echo above >"$1/opt/mounted/file" &&
                cat "$1/opt/mounted/file" && "$2" run --image tree -- cat /opt/mounted/file
            """
        var environment = Program.environment
        environment["CORRAL_IMAGES"] = store.store
        let outcome = try Program(
            [
                "unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", store.root,
                Product.path("corral"),
            ], environment: environment
        ).start().wait(timeout: 60)
        #expect(outcome.output == "above\nbelow\n", "\(outcome.errors)")
    }

    /// What others could have written to is no store.
    @Test(arguments: ["", "/trees", "/names", "/trees/TREE", "/trees/TREE/root", "/names/tree.yaml"])
    func `a store that somebody else could have changed is refused`(place: String) throws {
        let store = try TreeStore(programs: ["sh", "cat"])
        let path =
            store.store
            + String(
                place.split(separator: "TREE", omittingEmptySubsequences: false).joined(separator: store.tree)
            )
        let corral = store.corral()
        #expect(try corral.run(["cat", "/etc/marker"]).status == 0)
        for change in [["chmod", "o+w"], ["chmod", "g+w"], ["chown", String(Host.ordinaryUser)]] {
            let before = try Program.run(["stat", "-c", "%a %u", path]).output.split(
                whereSeparator: \.isWhitespace)
            _ = try Program.run(change + [path])
            let refused = try corral.run(["cat", "/etc/marker"])
            #expect(
                refused.status == 125 && refused.errors.contains(path)
                    && refused.errors.contains("could be changed by others"), "\(change): \(refused)")
            _ = try Program.run(["chmod", String(before[0]), path])
            _ = try Program.run(["chown", String(before[1]), path])
        }
        #expect(try corral.run(["cat", "/etc/marker"]).status == 0)
    }
}
