import Debian
import Sandbox
import Testing

@Suite struct BootstrapTests {
    private static let recipe = ImageRecipe(
        name: "x", description: "x", suite: "bookworm", packages: ["dash", "python3=3.11.2-1+b1"],
        exclude: ["/usr/share/doc"])

    private static func source(_ suite: String) -> AptSource {
        AptSource(options: "", uri: "http://a.invalid/debian", suite: suite, components: ["main"])
    }

    @Test func `the packages of the suite's sources are extracted`() throws {
        let bootstrap = try Bootstrap(
            BootstrapTests.recipe,
            sources: ["trixie", "bookworm", "bookworm-security"].map(BootstrapTests.source))
        let words = bootstrap.arguments
        #expect(words.contains("--variant=extract"))
        #expect(words.contains("--include=dash,python3=3.11.2-1+b1"))
        // Suite, standard output, then the repositories and nothing else: without one, the tool has its own.
        #expect(
            Array(words.suffix(4)) == [
                "bookworm", "-", "deb http://a.invalid/debian bookworm main",
                "deb http://a.invalid/debian bookworm-security main",
            ])
        #expect(words.dropLast(4).allSatisfy { $0.hasPrefix("--") })
    }

    @Test func `what is excluded goes with all below it, and so does what the tools leave`() throws {
        let bootstrap = try Bootstrap(BootstrapTests.recipe, sources: [BootstrapTests.source("bookworm")])
        let words = bootstrap.filterArguments
        for path in ["/usr/share/doc", "/etc/apt", "/etc/resolv.conf", "/var/lib/dpkg"] {
            #expect(words.contains("--path-exclude=\(path)") && words.contains("--path-exclude=\(path)/*"))
        }
        #expect(words.allSatisfy { $0.hasPrefix("--path-exclude=/") })
    }

    @Test func `a suite that the machine has no source of is an error that names it`() {
        for sources in [[], [BootstrapTests.source("trixie")]] {
            let error = #expect(throws: BootstrapError.self) {
                try Bootstrap(BootstrapTests.recipe, sources: sources)
            }
            #expect(error?.description.contains("has the suite bookworm; expected one in /etc/apt") == true)
        }
    }
}
