// `corral image build`: trees of Debian packages. What needs packages is left out, with the reason, where
// no mirror can be reached.

import Glibc
import Linux
import TestSupport
import Testing

/// An image of one package with a program that hosts seldom have, built once for many runs of the tests.
enum SmallBuild {
    static let program = "/usr/bin/hello"
    static let name = "hello"

    /// `.build/images-KEY`: another recipe, or another way of building, is another store.
    static let store = Repository.path(".build/images-\(key)")

    private static let recipe = """
        description: The program hello and what it needs
        build:
          suite: bookworm
          packages: [hello]
          exclude: [/usr/share, /usr/lib/x86_64-linux-gnu/gconv]\n
        """

    /// FNV-1a of the recipe and of the code that builds, in hexadecimal digits.
    private static var key: String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        let directory = Repository.path("Sources/Debian")
        let code = File.names(in: directory).map { File.text("\(directory)/\($0)") ?? "" }
        for byte in ([recipe] + code).joined().utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return String(hash, radix: 16)
    }

    static var environment: [String: String] {
        // Those of whoever runs the tests too: a proxy may be among them.
        Program.ownEnvironment.merging(["CORRAL_IMAGES": store]) { $1 }
    }

    /// Builds the image where it is not there yet; other test processes wait meanwhile.
    /// - Returns: false where there are no packages to be had, which is told.
    static func isThere() throws -> Bool {
        guard !File.exists(program) else {
            Host.skip("the host has \(program) itself")
            return false
        }
        let directory = try TemporaryDirectory()
        let file = try directory.write("\(name).yaml", recipe)
        let script = "test -e \"$1/names/$2.yaml\" || exec \"$3\" image build \"$4\""
        let words = ["flock", "\(store).lock", "sh", "-c", script, "sh", store, name, Corral.path, file]
        let outcome = try Program(words, environment: environment).start().wait(timeout: 280)
        if outcome.status == 0 { return true }
        if let why = unreachable(outcome.errors) {
            Host.skip("no packages to be had: \(why)")
            return false
        }
        Issue.record("\(outcome.errors)")
        return false
    }

    /// The line that says that it is the network, or a machine without mmdebstrap; nil for other errors.
    static func unreachable(_ errors: String) -> String? {
        let signs = [
            "Could not resolve", "Temporary failure resolving", "Could not connect", "Unable to connect",
            "Connection failed", "Failed to fetch", "Network is unreachable", "timed out",
            "needs Debian's package mmdebstrap", "has the suite bookworm",
        ]
        return errors.split(separator: "\n").map(String.init).first { line in
            signs.contains { line.contains($0) }
        }
    }
}

@Suite(
    .enabled(if: Host.isRoot, "building as another user needs a range in /etc/subuid"),
    .timeLimit(.minutes(20)))
struct ImageBuildTests {
    @Test func `a program that the host does not have runs in an image of its package`() throws {
        guard try SmallBuild.isThere() else { return }
        let words = [Corral.path, "run", "--image", SmallBuild.name, "--"]
        let outcome = try Program(words + ["hello", "-g", "built"], environment: SmallBuild.environment)
            .start().wait(timeout: 60)
        #expect(outcome.status == 0 && outcome.output == "built\n", "\(outcome.errors)")
        // A tree of this and what it needs: no shell, no host.
        let shell = try Program(words + ["sh", "-c", "echo x"], environment: SmallBuild.environment)
            .start().wait(timeout: 60)
        #expect(shell.status == 127, "\(shell.errors)")
        let host = try Corral.run(["--", "hello"])
        #expect(host.status == 127)
    }

    @Test func `what was built is listed with the packages that it is made of`() throws {
        guard try SmallBuild.isThere() else { return }
        let listed = try Program([Corral.path, "image", "list"], environment: SmallBuild.environment)
            .start().wait(timeout: 60)
        let line = listed.output.split(separator: "\n").first { $0.hasPrefix("hello ") }
        #expect(line?.hasSuffix("The program hello and what it needs") == true, "\(listed.output)")
        let inspected = try Program(
            [Corral.path, "image", "inspect", SmallBuild.name], environment: SmallBuild.environment
        ).start().wait(timeout: 60)
        #expect(inspected.output.contains("Debian bookworm: hello"), "\(inspected.output)")
        for name in ["/etc/apt", "/etc/fstab", "/var/lib/dpkg"] {
            let tree = File.names(in: "\(SmallBuild.store)/trees")
            for tree in tree { #expect(!File.exists("\(SmallBuild.store)/trees/\(tree)/root\(name)")) }
            #expect(tree.count == 1)
        }
    }

    @Test func `a name that is taken is refused before anything is fetched`() throws {
        guard try SmallBuild.isThere() else { return }
        let directory = try TemporaryDirectory()
        // Not to be had, so that fetching would fail in another way.
        let file = try directory.write("\(SmallBuild.name).yaml", recipe("no-such-package-of-debian"))
        let outcome = try Program([Corral.path, "image", "build", file], environment: SmallBuild.environment)
            .start().wait(timeout: 60)
        #expect(outcome.status == 1)
        #expect(
            outcome.errors
                == "corral image build: there is an image \"hello\" already; corral image rm hello removes it\n"
        )
    }

    @Test func `a package that does not exist is an error and leaves nothing`() throws {
        guard try SmallBuild.isThere() else { return }
        let place = try Place()
        let file = try place.directory.write("x.yaml", recipe("no-such-package-of-debian"))
        let outcome = try place.build([file]).wait(timeout: 280)
        #expect(outcome.status == 1, "\(outcome.errors)")
        #expect(outcome.errors.contains("no-such-package-of-debian"), "\(outcome.errors)")
        #expect(outcome.errors.contains("corral image build: /usr/bin/mmdebstrap failed with status "))
        #expect(place.left == [])
    }

    @Test(.enabled(if: File.exists("/usr/bin/mmdebstrap"), "needs mmdebstrap"))
    func `a build that is ended by a signal leaves nothing`() throws {
        let place = try Place()
        let file = try place.directory.write("x.yaml", recipe("hello"))
        let program = try place.build([file])
        // It has a directory of its own then; whether it gets packages is no matter.
        try #require(eventually(within: 120) { !File.names(in: place.temporary).isEmpty })
        try program.signal(SIGINT)
        let outcome = try program.wait(timeout: 120)
        #expect(
            outcome.status == 1 && outcome.errors.contains("corral image build: ended by a signal"),
            "\(outcome.errors)")
        #expect(eventually { place.left == [] }, "\(place.left)")
    }

    /// What is wrong with a call, and what is said; nothing is fetched for any of them.
    @Test(arguments: [
        (["host"], "host is an image and no recipe: it has no key build"),
        (["pyton"], "unknown image \"pyton\"; did you mean python?"),
        (["FILE", "python"], "\"python\" is shipped with corral; expected another name"),
        (["FILE", "host"], "\"host\" is shipped with corral; expected another name"),
        (["FILE", "../x"], "\"../x\" is not a name"),
        (["OTHER"], "no package source of this machine has the suite nosuch; expected one in /etc/apt"),
        (["WRONG"], "wrong.yaml:3:10: build.suite: \"Bookworm\" is not a suite"),
    ])
    func `a build that cannot be is refused`(words: [String], says: String) throws {
        let place = try Place()
        let files = [
            "FILE": try place.directory.write("x.yaml", recipe("hello")),
            "OTHER": try place.directory.write("other.yaml", recipe("hello", suite: "nosuch")),
            "WRONG": try place.directory.write("wrong.yaml", recipe("hello", suite: "Bookworm")),
        ]
        let outcome = try place.build(words.map { files[$0] ?? $0 }).wait(timeout: 60)
        #expect(outcome.status == 1 && outcome.output == "")
        #expect(
            outcome.errors.hasPrefix("corral image build: ") && outcome.errors.contains(says),
            "\(outcome.errors)")
        #expect(outcome.errors.split(separator: "\n").count == 1)
        #expect(place.left == [])
    }

    @Test func `what is not built is listed as a recipe, and running it says what to do`() throws {
        let place = try Place()
        let listed = try place.corral(["image", "list"]).wait(timeout: 60)
        for name in ["python", "node"] {
            let line = listed.output.split(separator: "\n").first { $0.hasPrefix("\(name) ") }
            #expect(
                line?.contains(" recipe ") == true && line?.contains("not built: ") == true,
                "\(listed.output)")
        }
        let run = try place.corral(["run", "--image", "python", "--", "true"]).wait(timeout: 60)
        #expect(run.status == 125)
        #expect(
            run.errors
                == "corral run: the image python is not built yet; corral image build python does it\n")
    }

    /// Made by import here, which costs less than to build it.
    @Test func `what a shipped recipe made has its name, and can be removed`() throws {
        let place = try Place()
        let tree = place.directory("tree")
        try File.makeDirectories(tree + "/usr")
        let refused = try place.corral(["image", "import", "python", tree]).wait(timeout: 60)
        #expect(refused.status == 1 && refused.errors.contains("\"python\" is shipped with corral"))
        #expect(try place.corral(["image", "import", "x", tree]).wait(timeout: 60).status == 0)
        let names = place.directory("store/names")
        _ = try call("rename") { unsafe rename("\(names)/x.yaml", "\(names)/python.yaml") }
        let run = try place.corral(["run", "--image", "python", "--", "true"]).wait(timeout: 60)
        #expect(run.status == 127, "\(run.errors)")
        let listed = try place.corral(["image", "list"]).wait(timeout: 60)
        #expect(
            listed.output.split(separator: "\n").contains { $0.hasPrefix("python  tree ") },
            "\(listed.output)")
        #expect(try place.corral(["image", "rm", "python"]).wait(timeout: 60).status == 0)
        #expect(try place.corral(["image", "rm", "host"]).wait(timeout: 60).status == 1)
        #expect(place.left == [])
    }

    private func recipe(_ package: String, suite: String = "bookworm") -> String {
        "description: x\nbuild:\n  suite: \(suite)\n  packages: [\(package)]\n"
    }

    /// A store and a directory for temporary files of a test's own.
    private struct Place {
        let directory: TemporaryDirectory
        var temporary: String { directory("temporary") }

        init() throws {
            directory = try TemporaryDirectory()
            try File.makeDirectories(temporary)
        }

        func corral(_ words: [String]) throws -> RunningProgram {
            let variables = ["CORRAL_IMAGES": directory("store"), "TMPDIR": temporary]
            return try Program(
                [Corral.path] + words, environment: Program.ownEnvironment.merging(variables) { $1 }
            ).start()
        }

        func build(_ words: [String]) throws -> RunningProgram { try corral(["image", "build"] + words) }

        /// What a build that failed has left, which should be nothing.
        var left: [String] {
            ["temporary", "store/names", "store/trees", "store/tmp"].flatMap { place in
                File.names(in: directory(place)).map { "\(place)/\($0)" }
            }
        }
    }
}
