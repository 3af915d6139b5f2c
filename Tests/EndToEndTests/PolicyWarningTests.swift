import TestSupport
import Testing

@Suite(.enabled(if: Host.isRoot, "only root can become another user"))
struct PolicyWarningTests {
    /// The second run takes the filter from the cache, and says the same.
    @Test func `a name that is no system call's is a warning at every run`() throws {
        // A user with a cache of its own, which goes with the test.
        let user = try OrdinaryUser()
        let directory = user.directory
        for kind in ["profiles", "profiles/seccomp", "images"] {
            for name in File.names(in: Repository.path(kind)) where name.contains(".") {
                let text = File.text(Repository.path("\(kind)/\(name)")) ?? ""
                try directory.write(
                    "data/\(kind)/\(name)", text.replacing(#""brk", "#, with: #""brk", "raed", "#))
            }
        }
        var program = user.program(["--", "echo", "hi"])
        program.environment["CORRAL_DATA"] = directory("data")
        program.environment["XDG_CACHE_HOME"] = try user.ownDirectory("cache")
        for _ in 0..<2 {
            let outcome = try program.start().wait(timeout: 60)
            #expect(outcome.status == 0)
            #expect(outcome.output == "hi\n")
            // An ordinary user is also told of what holds in part only.
            let lines = outcome.errors.split(separator: "\n").filter { $0.contains("warning") }
            #expect(lines.count == 1, "\(outcome.errors)")
            #expect(lines.first?.hasPrefix("corral run: warning: ") == true, "\(outcome.errors)")
            #expect(
                lines.first?.contains("there is no system call \"raed\", as far as libseccomp ") == true,
                "\(outcome.errors)")
        }
        #expect(File.names(in: directory("cache/corral")).contains { $0.hasSuffix(".bpf") })
    }
}
