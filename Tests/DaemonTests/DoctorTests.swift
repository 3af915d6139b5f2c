import Glibc
import Linux
import TestSupport
import Testing
import Wire

/// `corral doctor` about a daemon that runs.
@Suite(.serialized) struct DaemonDoctorTests {
    private struct Visit {
        let code: CInt?
        let findings: [String: JSONTree]

        func state(_ name: String) -> String { findings[name]?["state"]?.text ?? "absent" }
        func what(_ name: String) -> String { findings[name]?["what"]?.text ?? "" }
        func cure(_ name: String) -> String { findings[name]?["cure"]?.text ?? "" }
    }

    private func words(_ daemon: TestDaemon, _ more: [String]) -> [String] {
        [Product.path("corral"), "doctor", "--state", daemon.state]
            + ["--set", "runtime=\(daemon.directory("run"))"] + TestDaemon.user + more
    }

    private func run(
        _ daemon: TestDaemon, wrapper: [String] = [], _ more: String..., variables: [String: String] = [:]
    ) throws -> Program.Outcome {
        try Program.run(
            wrapper + words(daemon, more),
            environment: Program.environment.merging(["CORRAL_DATA": Repository.root]) { $1 }
                .merging(variables) { $1 }, timeout: 300)
    }

    private func visit(_ daemon: TestDaemon, wrapper: [String] = [], _ more: String...) throws -> Visit {
        let outcome = try Program.run(
            wrapper + words(daemon, ["--json"] + more),
            environment: Program.environment.merging(["CORRAL_DATA": Repository.root]) { $1 }, timeout: 300)
        #expect(outcome.errors == "")
        let list = try JSONTree(parsing: outcome.stdout)["findings"]?.list ?? []
        return Visit(
            code: outcome.status,
            findings: Dictionary(list.map { ($0["name"]?.text ?? "", $0) }) { first, _ in first })
    }

    @Test func `a daemon that is well has no finding, and what is changed about its socket is found`() throws
    {
        let daemon = try TestDaemon()
        let well = try visit(daemon)
        for name in ["configuration", "daemon", "versions", "socket", "state space"] {
            #expect(well.state(name) == "ok", "\(name): \(well.what(name))")
        }
        #expect(well.code == 0 && well.what("daemon").hasSuffix("with no session"))
        #expect(well.what("versions").contains("corrald ") && well.what("versions").contains("warden "))
        #expect(unsafe chmod(daemon.socket, 0o777) == 0)
        let open = try visit(daemon)
        #expect(open.state("socket") == "warning" && open.code == 0)
        #expect(open.what("socket").contains("mode 0777; expected 0600"))
        let cure = open.cure("socket")
        #expect(cure == "chmod 0600 \(daemon.socket)")
        // The one line cures it.
        #expect(try Program.run(["sh", "-c", cure]).status == 0)
        #expect(try visit(daemon).state("socket") == "ok")
    }

    @Test func `a configuration that is wrong is a failure that names the mistake`() throws {
        let daemon = try TestDaemon()
        let outcome = try run(daemon, "--json", variables: ["CORRAL_LIMITS_SESSIONS": "many"])
        #expect(outcome.status == 1 && outcome.errors.isEmpty, "\(outcome.errors)")
        let list = try JSONTree(parsing: outcome.stdout)["findings"]?.list ?? []
        let finding = list.first { $0["name"]?.text == "configuration" }
        #expect(finding?["state"]?.text == "failed")
        #expect(finding?["what"]?.text?.contains("CORRAL_LIMITS_SESSIONS") == true, "\(outcome.output)")
        #expect(finding?["cure"]?.text == "corral config check")
        // What would be looked at is not known, and the rest is told.
        #expect(!list.contains { $0["name"]?.text == "socket" } && list.count > 15)
    }

    @Test func `a daemon that hangs is a failure, and one whose warden goes on alone a warning`() throws {
        let daemon = try TestDaemon()
        let pid = try #require(daemon.pid)
        _ = try Program.run(["kill", "-STOP", "\(pid)"])
        let hung = try visit(daemon)
        _ = try Program.run(["kill", "-CONT", "\(pid)"])
        #expect(hung.state("daemon") == "failed" && hung.code == 1, "\(hung.what("daemon"))")
        try daemon.kill()
        let alone = try visit(daemon)
        #expect(alone.state("daemon") == "warning", "\(alone.what("daemon"))")
        #expect(alone.cure("daemon") == "corral daemon run")
    }

    @Test(.enabled(if: Host.isRoot, "skipped: takes root"))
    func `ids that somebody else has are found, and whose they are`() throws {
        let daemon = try TestDaemon()
        let directory = try TemporaryDirectory()
        try directory.write("subuid", "somebody:250000:65536\n")
        let cover = "mount --bind \(directory("subuid")) /etc/subuid && exec \"$0\" \"$@\""
        if !File.exists("/etc/subuid") { return print("skipped: there is no /etc/subuid to cover") }
        let found = try visit(daemon, wrapper: ["unshare", "--mount", "sh", "-c", cover])
        #expect(found.state("id range") == "warning", "\(found.what("id range"))")
        #expect(found.what("id range").contains("somebody in /etc/subuid"))
        #expect(found.cure("id range").contains("uids"))
    }

    @Test(.enabled(if: Host.isRoot, "skipped: takes root"))
    func `few descriptors are told with what may be needed`() throws {
        let daemon = try TestDaemon(wrapper: ["prlimit", "--nofile=2048:2048", "--"])
        let found = try visit(daemon)
        #expect(found.state("descriptors") == "warning")
        #expect(found.what("descriptors").contains("corrald may have 2048"), "\(found.what("descriptors"))")
    }

    @Test(.enabled(if: Host.isRoot, "skipped: takes root"))
    func `a group of nobody's is found`() throws {
        let daemon = try TestDaemon()
        // So that there is a file of slots.
        _ = try Program.run([Product.path("corral"), "run", "--", "true"], timeout: 120)
        let mounts = ["/sys/fs/cgroup/memory", "/sys/fs/cgroup"].filter { File.exists("\($0)/cgroup.procs") }
        let place = try #require(mounts.first)
        // A slot that no sandbox has: they are taken from the front or at random of half as many.
        let path = "\(place)/corral-run-32767-left-by-a-test"
        defer { _ = unsafe rmdir(path) }
        // Whoever runs a sandbox meanwhile removes it: it is made again for as long as it is looked for.
        let script = """
            while :; do mkdir \(path) 2>/dev/null; sleep 0.01; done & "$0" "$@"; code=$?
            kill $!; wait $! 2>/dev/null; exit $code
            """
        var found = try visit(daemon, wrapper: ["sh", "-c", script])
        for _ in 0..<10 where found.state("leftovers") != "warning" {
            found = try visit(daemon, wrapper: ["sh", "-c", script])
        }
        #expect(found.state("leftovers") == "warning" && found.code == 0, "\(found.what("leftovers"))")
        #expect(found.what("leftovers").contains("corral-run-"), "\(found.what("leftovers"))")
        #expect(unsafe rmdir(path) == 0 || errno == ENOENT)
    }

    @Test func `a report has the findings, and nothing of whose host it is`() throws {
        let daemon = try TestDaemon()
        let home = daemon.directory("home of me")
        try File.makeDirectories(home)
        let variables = [
            "HOME": home, "USER": "wilhelmina", "CORRAL_IMAGES": "\(home)/secret-images",
            "SECRET": "s3cret-value",
        ]
        let outcome = try run(daemon, "--report", variables: variables)
        #expect(outcome.errors == "")
        for part in ["corral doctor\n", "kernel ", "libseccomp ", "socket", "sandbox"] {
            #expect(outcome.output.contains(part), "\(part)")
        }
        // The control: without --report it is there.
        #expect(try run(daemon, variables: variables).output.contains("secret-images"))
        var host = utsname()
        _ = unsafe uname(&host)
        let node = unsafe withUnsafeBytes(of: host.nodename) {
            unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        for secret in [home, "wilhelmina", "secret-images", "s3cret-value", "/home/"] {
            #expect(!outcome.output.contains(secret), "\(secret) in \(outcome.output)")
        }
        let words = outcome.output.split { " \n:/,;()'\"".contains($0) }
        #expect(node == "localhost" || !words.contains(node[...]), "\(node)")
        let both = try run(daemon, "--report", "--json")
        #expect(both.status == 2 && both.errors.contains("without -o json"), "\(both.errors)")
    }
}
