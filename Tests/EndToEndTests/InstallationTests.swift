// What `make install` and `make uninstall` do, in a directory of the test's own.

import Glibc
import TestSupport
import Testing

@Suite(.serialized, .enabled(if: Host.isRoot, "the daemon of an installation is root's"))
struct InstallationTests {
    private let root: TemporaryDirectory
    private var prefix: String { root("usr/local") }
    private var corral: String { "\(prefix)/bin/corral" }

    init() throws { root = try TemporaryDirectory() }

    private func script(_ name: String, _ variables: [String: String] = [:]) throws -> Program.Outcome {
        let build = Product.path("corral").split(separator: "/").dropLast().joined(separator: "/")
        let environment = Program.environment.merging([
            "DESTDIR": root.path, "CORRAL_BUILD": "/\(build)",
        ]) { $1 }
        return try Program.run(
            [Repository.path("scripts/\(name)"), prefix], environment: environment.merging(variables) { $1 },
            timeout: 300)
    }

    private func daemon(_ words: String...) throws -> Program.Outcome {
        let options = ["--state", root("other"), "--set", "user=nobody", "--set", "socket.group=none"]
        return try Program.run([corral, "daemon"] + words + options, timeout: 120)
    }

    private func api(_ method: String, _ path: String, _ body: String) throws -> Program.Outcome {
        try Program.run([
            "curl", "-sS", "--unix-socket", root("other/run/corral.sock"), "-X", method, "--data-binary",
            body,
            "http://corral\(path)",
        ])
    }

    private func files() throws -> [String] {
        try Program.run(["find", root("usr"), "!", "-type", "d"]).output.split(separator: "\n").map(
            String.init)
    }

    @Test
    func `an installation serves, is not removed under sessions, and then leaves nothing but its state`()
        throws
    {
        let installed = try script("install.sh")
        #expect(installed.status == 0, "\(installed.errors)")
        for name in [
            "bin/corral", "sbin/corrald", "libexec/corral/corral-warden",
            "share/man/man1/corral-daemon-run.1",
            "share/corral/grafana-dashboard.json", "share/corral/alerts.yaml",
            "lib/systemd/system/corral.service", "lib/systemd/user/corral-warden.service",
            "lib/sysusers.d/corral.conf",
            "share/doc/corral/operators.md", "share/bash-completion/completions/corral",
        ] {
            #expect(File.exists("\(prefix)/\(name)"), "\(name)")
        }
        // As it will be found when it runs, without DESTDIR.
        let unit = File.text("\(prefix)/lib/systemd/system/corral.service") ?? ""
        #expect(unit.contains("ExecStart=/usr/local/sbin/corrald --system\n"), "\(unit)")
        defer { _ = try? daemon("stop", "--sessions") }
        #expect(try daemon("run", "--detach").status == 0)
        #expect(try api("POST", "/v1/sessions", #"{"name":"kept"}"#).output.contains(#""state":"running""#))
        let before = try files()
        let refused = try script("uninstall.sh")
        #expect(refused.status == 1)
        #expect(
            refused.errors.hasPrefix("uninstall: 1 sessions run (corral-warden, pid "), "\(refused.errors)")
        #expect(refused.errors.contains("corral daemon stop --sessions"))
        #expect(try files() == before)
        #expect(try daemon("status").status == 0)

        _ = try api("POST", "/v1/sessions/kept/kill", #"{"grace":0}"#)
        // Something mounted where state lies.
        let volume = root("var/lib/corral/a volume")
        try File.makeDirectories(volume)
        try #require(try Program.run(["mount", "-t", "tmpfs", "tmpfs", volume]).status == 0)
        defer { _ = try? Program.run(["umount", volume]) }
        let removed = try script("uninstall.sh")
        #expect(removed.status == 0, "\(removed.errors)")
        for part in [
            "ending corrald (pid ", "ending corral-warden (pid ", "unmounting ", "PURGE=1 removes it",
        ] {
            #expect(removed.output.contains(part), "\(removed.output)")
        }
        #expect(try files() == [])
        #expect(try Program.run(["mountpoint", "-q", volume]).status != 0)
        #expect(File.exists(volume))
        // What somebody else has put there is nobody's to remove.
        let purged = try script("uninstall.sh", ["PURGE": "1"])
        #expect(purged.status == 0 && purged.output.contains("var/lib/corral stays: "), "\(purged.output)")
        #expect(File.names(in: root("var/lib/corral")) == ["a volume"])
        #expect(unsafe rmdir(volume) == 0)
        #expect(try script("uninstall.sh", ["PURGE": "1"]).status == 0)
        #expect(!File.exists(root("var/lib/corral")))
    }

    @Test func `the group and the user are made once`() throws {
        try root.write("etc/group", "root:x:0:\n")
        try root.write("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
        for round in 0..<2 {
            let outcome = try Program.run([Repository.path("scripts/accounts.sh"), root.path])
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(outcome.output.contains("made the group corral") == (round == 0))
            let users = File.text(root("etc/passwd"))?.split(separator: "\n") ?? []
            #expect(users.count == 2)
            #expect(users.last?.hasPrefix("corral:") == true)
            #expect(users.last?.hasSuffix(":Corral daemon:/nonexistent:/usr/sbin/nologin") == true)
        }
        // Without the right to it, that is said, and nothing is a failure.
        let other = try Program.run(
            ["sh", "-s"], stdin: File.read(Repository.path("scripts/accounts.sh")), uid: Host.ordinaryUser)
        #expect(other.status == 0 && other.errors.contains("no user and no group corral were made"))
    }
}
