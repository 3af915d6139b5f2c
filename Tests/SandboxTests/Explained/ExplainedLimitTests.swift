// The limits that a process runs into by itself are where the evaluator says.

import Denials
import Linux
import Sandbox
import Seccomp
import TestSupport
import Testing

@Suite(.enabled(if: Host.isRoot, "needs root"), .timeLimit(.minutes(20)))
struct ExplainedLimitTests {
    private static let profile = """
        description: Small
        image: host
        syscalls: {policy: [open]}
        limits:
          {memory: 256MiB, pids: 9, cpus: 1, open_files: 40, file_size: 100KiB, workspace: 1MiB, workspace_files: 20}
        require: []
        filesystem: {workspace: writable}
        """

    /// Uses more of each thing until the kernel refuses; prints how much was had, and the errno.
    private static let script = #"""
        import os, resource, signal, time
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        def report(name, amount, error): print(name, amount, error.errno)

        files = []
        try:
            while True: files.append(os.open("/dev/null", os.O_RDONLY))
        except OSError as error: report("limits.open_files", max(files) + 1, error)
        for file in files: os.close(file)

        made = 0
        try:
            while True:
                os.close(os.open("f%d" % made, os.O_CREAT | os.O_WRONLY))
                made += 1
        except OSError as error: report("limits.workspace_files", made, error)
        for name in os.listdir("."): os.unlink(name)

        def write(name, most, size):
            done = 0
            with open(name, "wb", buffering=0) as file:
                try:
                    while done < most: done += file.write(b"x" * size)
                except OSError as error: return done, error
            return done, None
        size, error = write("big", 1 << 20, 4096)
        report("limits.file_size", size, error)
        os.unlink("big")

        total, number, error = 0, 0, None
        while error is None:
            size, error = write("p%d" % number, 64 << 10, 4096)
            total, number = total + size, number + 1
        report("limits.workspace", total, error)
        for name in os.listdir("."): os.unlink(name)

        children = []
        try:
            while True:
                child = os.fork()
                if child == 0:
                    time.sleep(60)
                    os._exit(0)
                children.append(child)
        except OSError as error: report("limits.pids", len(children) + 1, error)
        for child in children: os.kill(child, 9)
        """#

    @Test func `what a process can have is the most that is explained as allowed`() throws {
        let data = try TemporaryDirectory()
        try data.write("profiles/small.yaml", ExplainedLimitTests.profile)
        try data.write("profiles/seccomp/open.json", RandomRules.policy)
        let image = try #require(File.text(Repository.path("images/host.yaml")))
        try data.write("images/host.yaml", image)
        var corral = Corral(["--profile", "small"])
        corral.variables["CORRAL_DATA"] = data.path
        let ended = try corral.python(ExplainedLimitTests.script)
        let rules = try rules(image)
        #expect(ended.lines.count == 5, "\(ended)")
        for line in ended.lines {
            let words = line.split(separator: " ").map(String.init)
            let key = try #require(ProfileKey(rawValue: words[0]))
            let most = try #require(UInt64(words[1]))
            #expect(denial(key, most, rules) == nil, "\(line)")
            let denial = denial(key, most + 1, rules)
            #expect(denial?.effect == .errno(Errno(rawValue: try #require(CInt(words[2])))), "\(line)")
        }
    }

    private func denial(_ key: ProfileKey, _ amount: UInt64, _ rules: SandboxRules) -> Denial? {
        guard let event = try? LimitEvent(key, amount) else { return nil }
        return Evaluator.denial(of: .limit(event), under: rules)
    }

    private func rules(_ image: String) throws -> SandboxRules {
        let file = try ProfileFile(Array(ExplainedLimitTests.profile.utf8), file: "profiles/small.yaml")
        let layers = PartialProfile.builtIn.merged(with: file.layer)
        return SandboxRules(
            profile: try Profile(layers, name: "small", file: "profiles/small.yaml"), layers: layers,
            image: try Image.decode(Array(image.utf8), file: "images/host.yaml"),
            imagePlaces: try KeyPlaces(Array(image.utf8), file: "images/host.yaml"),
            policy: try Policy(parts: [PolicyPart(file: "open.json", json: Array(RandomRules.policy.utf8))]),
            hostPaths: [:], hostDirectory: false, sockets: [], landlockABI: 7)
    }
}
