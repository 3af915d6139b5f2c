import Glibc
import TestSupport
import Testing

@testable import Seccomp

private let dockerPolicy = "\(sourceRoot)/../shared/vectors/docker-default-seccomp.json"

/// Docker's own default profile, where it is found beside the source tree.
@Suite(.enabled(if: unsafe access(dockerPolicy, R_OK) == 0, "\(dockerPolicy) is not there"))
struct DockerPolicyTests {
    @Test func `Docker's default profile compiles and means what Docker means`() throws {
        let filter = try Compiler.compile(parts: [
            PolicyPart(file: "docker.json", json: contents(of: dockerPolicy))
        ])
        let ask = try FilterUnderTest(filter)
        #if arch(x86_64)
            // Counted from the profile by other means up to call 450: 291, and clone, personality and
            // socket. Then come fourteen newer ones.
            #expect(filter.allowedCount == 291 + 3 + 14)
            #expect(filter.conditionalCount == 3)
        #endif
        #expect(try ask("socket", 16) == .allow)
        #expect(try ask("socket", 38) == .errno(1))
        #expect(try ask("socket", 39) == .allow)
        #expect(try ask("socket", 40) == .errno(1))
        #expect(try ask("socket", 41) == .allow)
        #expect(try ask("clone", 0x11) == .allow)
        #expect(try ask("clone", 0x1000_0011) == .errno(1))
        #expect(try ask("clone3") == .errno(38))
        #expect(try ask("mount") == .errno(1))
        #expect(try ask("personality", 0x20008) == .allow)
        #expect(try ask("personality", 9) == .errno(1))
        #expect(try ask("ptrace") == .allow)
    }
}
