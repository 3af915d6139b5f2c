// Names that whoever starts a plugin may have taken from it: all of them are refused in one line that
// shows them harmless, and nothing is made.

import TestSupport
import Testing

@Suite struct HostileNamesTests {
    private static let names: [String] = [
        "", ".", "..", "../x", "a/../b", "/etc/passwd", "a b", "a\nb", "a\u{1B}[31mb", "a\u{202E}b",
        "a\u{200B}b",
        "-rf", "--privileged", "Ünï", "аdmin", "CON:", "a\\b", "%2e%2e", "$(id)", "`id`", "*",
        String(repeating: "a", count: 10_000), String(repeating: "../", count: 2_000),
    ]

    @Test(arguments: ["--profile", "--image", "--name"], names)
    func `a name that is none is refused and makes nothing`(option: String, name: String) throws {
        let place = try TemporaryDirectory()
        var environment = Program.environment
        for variable in ["CORRAL_IMAGES", "XDG_RUNTIME_DIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"] {
            environment[variable] = place("state")
        }
        // A profile may be a file, and /etc/passwd is one: of another form.
        let outcome = try Program(
            [Product.path("corral"), "run", "\(option)=\(name)", "--", "/usr/bin/true"],
            environment: environment, directory: place.path
        ).start().wait(timeout: 60)
        #expect(outcome.status == 125 && outcome.output.isEmpty, "\(outcome.errors)")
        let errors = outcome.errors
        // One line, without whatever moves a cursor or hides a letter, and of bounded length.
        #expect(errors.hasPrefix("corral run: ") && errors.hasSuffix("\n"))
        #expect(errors.dropLast().allSatisfy { $0 != "\n" && $0 != "\u{1B}" && $0 != "\u{202E}" })
        #expect(errors.utf8.count < 600, "\(errors.utf8.count) bytes")
        #expect(File.names(in: place.path) == [])
    }

    @Test func `a name that is one is taken, as the positive control`() throws {
        let outcome = try Program.run([
            Product.path("corral"), "run", "--profile=default", "--image=host", "--name=a.b-c_1", "--plan",
            "--",
            "/usr/bin/true",
        ])
        #expect(outcome.status == 0, "\(outcome.errors)")
    }
}
