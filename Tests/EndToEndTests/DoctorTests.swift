import TestSupport
import Testing

/// `corral doctor` and `corral version` on this host, and where something is not as it should be. One after
/// the other: each starts a dozen processes, and other tests wait for what is there to be gone.
@Suite(.serialized) struct DoctorTests {
    /// The findings by name, and the exit code.
    private struct Visit {
        let findings: [String: Report]
        let code: CInt?

        /// - Parameter start: words in front of `corral`.
        init(_ start: [String] = [], environment: [String: String] = [:], user: UInt32? = nil) throws {
            try self.init(words: start + [Corral.path], environment: environment, user: user)
        }

        init(words: [String], environment: [String: String] = [:], user: UInt32? = nil) throws {
            let outcome = try Program.run(
                words + ["doctor", "--json"],
                environment: Program.environment.merging(environment) { $1 }, timeout: 120, uid: user)
            #expect(outcome.errors == "")
            let list = try #require(try Report(outcome.output).objects("findings"), "\(outcome.output)")
            code = outcome.status
            findings = Dictionary(uniqueKeysWithValues: list.map { ($0.text("name") ?? "", $0) })
        }

        func expectFailure(_ name: String, _ what: String, cure: String) {
            #expect(code == 1)
            let finding = findings[name]
            #expect(finding?.text("state") == "failed")
            #expect(finding?.text("what")?.contains(what) == true, "\(finding?.text("what") ?? "")")
            #expect(finding?.text("cure")?.contains(cure) == true, "\(finding?.text("cure") ?? "")")
            #expect(finding?.text("why")?.isEmpty == false)
        }
    }

    @Test func `a host where sandboxes run is well, and every finding is there`() throws {
        let visit = try Corral.leavesNothing { try Visit() }
        let names = [
            "kernel", "namespaces", "mount API", "/proc", "seccomp", "landlock", "cgroups", "ids",
            "open files",
            "workspaces", "kernel log", "sandbox-init", "corral-unpack", "profiles", "plans", "images",
            "state",
            "volumes", "sandbox", "configuration", "daemon", "versions", "socket", "state space",
            "descriptors", "id range", "clock", "systemd", "delegation", "volume limits", "leftovers",
        ]
        #expect(Set(visit.findings.keys) == Set(names))
        let failed = visit.findings.filter { $0.value.text("state") == "failed" }.map(\.key)
        #expect(visit.code == 0 && failed.isEmpty, "\(failed)")
        // What the trial says is what a run's report says.
        let run = try Report(in: Corral.run(["--json", "--", "true"]).errors)
        let trial = visit.findings["sandbox"]
        #expect((trial?.text("state") == "ok") == run.weakLayers.isEmpty)
    }

    @Test(.enabled(if: Host.isRoot, "skipped: takes root"))
    func `an ordinary user gets warnings with what to do, and no failure`() throws {
        let directory = try TemporaryDirectory()
        let corral = try Product.install(to: directory.path)
        let visit = try Visit(words: [corral], user: Host.ordinaryUser)
        #expect(visit.code == 0)
        for name in ["cgroups", "sandbox", "delegation"] {
            #expect(visit.findings[name]?.text("state") == "warning", "\(name)")
            #expect(visit.findings[name]?.text("cure") != nil)
        }
    }

    @Test(.enabled(if: Host.isRoot, "skipped: takes root"))
    func `no user namespaces`() throws {
        // The limits of a user namespace are its own.
        let script = "echo 0 >/proc/sys/user/max_user_namespaces && exec \"$0\" \"$@\""
        try Visit(["unshare", "--user", "--map-root-user", "sh", "-c", script])
            .expectFailure("namespaces", "ENOSPC", cure: "sysctl -w user.max_user_namespaces=")
        let network = "echo 0 >/proc/sys/user/max_net_namespaces && exec \"$0\" \"$@\""
        try Visit(["unshare", "--user", "--map-root-user", "sh", "-c", network])
            .expectFailure("namespaces", "ENOSPC", cure: "sysctl -w user.max_net_namespaces=")
    }

    @Test(.enabled(if: Host.isRoot, "skipped: takes root"))
    func `a proc that is covered in part, as in a container`() throws {
        let cover = "mount --bind /dev/null /proc/meminfo && exec \"$0\" \"$@\""
        let visit = try Visit(["unshare", "--mount", "sh", "-c", cover])
        visit.expectFailure("/proc", "EPERM", cure: "systempaths=unconfined")
        visit.expectFailure("sandbox", "proc", cure: "what failed above")
        #expect(visit.findings["namespaces"]?.text("state") == "ok")
    }

    @Test(.enabled(if: Host.isRoot, "skipped: takes root"))
    func `root in a user namespace without the ids of sandboxes`() throws {
        try Visit(["unshare", "--user", "--map-root-user"])
            .expectFailure("ids", "200000", cure: "ordinary user")
    }

    @Test func `a small limit of open files`() throws {
        try Visit(["prlimit", "--nofile=500:500", "--"])
            .expectFailure("open files", "a hard limit of 500", cure: "--nofile 500")
    }

    @Test func `a sandbox-init that is none, and one that is missing`() throws {
        let other = try Visit(environment: ["CORRAL_INIT": "/bin/cat"])
        other.expectFailure("sandbox-init", "does not say what it is", cure: "CORRAL_INIT")
        other.expectFailure("sandbox", "", cure: "what failed above")
        try Visit(environment: ["CORRAL_INIT": "/nonexistent"])
            .expectFailure("sandbox-init", "/nonexistent", cure: "make install")
    }

    @Test func `profiles that are wrong or not there`() throws {
        let directory = try TemporaryDirectory()
        try Visit(environment: ["CORRAL_DATA": directory.path])
            .expectFailure("profiles", "CORRAL_DATA", cure: "make install")
        try directory.write("profiles/default.yaml", "limits: {memory: 1PB}\n")
        try File.makeDirectories(directory("images"))
        try Visit(environment: ["CORRAL_DATA": directory.path])
            .expectFailure("profiles", "wrong: default", cure: "corral profile validate default")
    }

    /// One part each that is not as it should be, in a mount namespace of its own, and what cures it.
    @Test(
        .enabled(if: Host.isRoot, "skipped: takes root"),
        arguments: [
            ("workspaces", "cd /proc/self", "warning", "keep workspaces on ext4, xfs or btrfs"),
            (
                "kernel log", "mount --bind /dev/kmsg /dev/kmsg && mount -o remount,bind,nodev /dev/kmsg",
                "warning", "docker run --device /dev/kmsg"
            ),
            ("corral-unpack", "export CORRAL_UNPACK=/nonexistent", "warning", "install corral-unpack"),
            ("state", "mount -t tmpfs -o ro tmpfs /run", "failed", "mount -t tmpfs tmpfs /run"),
            (
                "state space", "mount -t tmpfs -o size=32m tmpfs /var/lib", "failed",
                "make room on that device"
            ),
            (
                "volumes",
                "mount -t tmpfs tmpfs /var/lib && { [ ! -e /usr/sbin/mkfs.btrfs ] || "
                    + "mount --bind /dev/null /usr/sbin/mkfs.btrfs; }",
                "warning", "apt-get install btrfs-progs"
            ),
            (
                "plans",
                "mkdir -p $D/corral/plans && echo 'extends: odd' >$D/corral/plans/odd.yaml && "
                    + "export XDG_CONFIG_HOME=$D", "warning", "corral plan check odd"
            ),
            ("images", "export CORRAL_IMAGES=/proc/images", "warning", "CORRAL_IMAGES"),
        ])
    func `what is wrong is found, why it matters, and the line that cures it`(
        name: String, script: String, state: String, cure: String
    ) throws {
        let directory = try TemporaryDirectory()
        let well = try Visit()
        let text = "D='\(directory.path)' && \(script) && exec \"$0\" \"$@\""
        let visit = try Visit(["unshare", "--mount", "--propagation", "private", "sh", "-c", text])
        let finding = visit.findings[name]
        #expect(finding?.text("state") == state, "\(finding?.text("what") ?? "")")
        #expect(finding?.text("cure")?.contains(cure) == true, "\(finding?.text("cure") ?? "")")
        #expect(finding?.text("why")?.isEmpty == false)
        // The control: without that it is not.
        #expect(well.findings[name]?.text("state") == "ok", "\(well.findings[name]?.text("what") ?? "")")
    }

    @Test func `what may be written is told as well`() throws {
        let visit = try Visit(environment: ["CORRAL_IMAGES": "/proc/images"])
        #expect(visit.findings["images"]?.text("state") == "warning")
        #expect(visit.code == 0, "a warning is no failure")
    }

    @Test func `the version of every part is told, and whether the init is the right one`() throws {
        let outcome = try Program.run([Corral.path, "version", "-o", "json"])
        let report = try Report(outcome.output)
        for name in ["corral", "libseccomp", "libyaml", "nettle"] {
            #expect(report.text(name)?.first?.isNumber == true, "\(name)")
        }
        #expect(report.text("sandbox-init")?.hasSuffix("as this corral makes") == true)
        #expect(report.text("corral-unpack")?.hasPrefix("libarchive 3.") == true)
        for name in ["kernel", "landlock", "cgroups", "seccomp"] {
            #expect(report.text(name) != nil, "\(name)")
        }
        let environment = Program.environment.merging(["CORRAL_INIT": "/bin/cat"]) { $1 }
        let other = try Program.run([Corral.path, "version"], environment: environment)
        #expect(other.output.contains("sandbox-init   another program, or of another build"))
        let short = try Program.run([Corral.path, "--version"]).output
        #expect(short == "corral \(report.text("corral") ?? "")\n")
    }

    @Test(arguments: ["doctor", "help run"])
    func `colours are for terminals, and for those who want them`(words: String) throws {
        let typescript = ["script", "-qec", "\(Corral.path) \(words)", "/dev/null"]
        let terminal = Program.environment.merging(["TERM": "xterm"]) { $1 }
        #expect(try Program.run(typescript, environment: terminal).output.contains("\u{1B}["))
        for name in ["NO_COLOR", "TERM"] {
            let plain = terminal.merging([name: "dumb"]) { $1 }
            #expect(try Program.run(typescript, environment: plain).output.contains("\u{1B}[") == false)
        }
        let piped = try Program.run([Corral.path] + words.split(separator: " ").map(String.init))
        #expect(!piped.output.contains("\u{1B}[") && !piped.output.isEmpty)
    }
}
