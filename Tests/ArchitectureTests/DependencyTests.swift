import TestSupport
import Testing

/// The rows of docs/architecture.md, lowest first: a target depends on lower rows only.
private let rows: [[String]] = [
    [
        "CLinux", "CSeccomp", "CYAML", "CNettle", "CArchive", "CZlib", "CSQLite", "CMicroHTTPD", "CWslay",
        "CYardstick",
    ],
    ["Linux", "Sandbox", "Wire", "InitPlan", "FailPoints", "Network"],
    [
        "Seccomp", "Cgroups", "Dialects", "Debian", "Trees", "Figures", "WardenProtocol", "Capture",
        "Service", "Configuration", "Client", "Tables", "API", "Sessions", "Metrics", "ServiceManager",
    ],
    [
        "Launch", "Denials", "Relay", "Plugins", "Unpack", "Images", "Store", "Workspace", "Volumes",
        "Quotas", "Access",
    ],
    ["Preparation"],
    ["Commands", "Warden", "Daemon"],
    ["corral", "corrald", "corral-warden", "sandbox-init", "corral-unpack", "Benchmarks"],
]

/// Stand beside the rows: they may use any library and one another, and else only tests may use them.
private let besideRows = [
    "TestSupport", "Attacks", "attacker", "prove", "Soak", "FuzzTargets", "capture-role", "Churn",
]

/// A target of Package.swift and the targets it names as dependencies.
private struct Target: Hashable {
    var name: String
    var isTest = false
    var dependencies: [String] = []
}

/// What is wrong with the arrows between `targets`, one sentence each.
private func violations(in targets: [Target], rows: [[String]]) -> [String] {
    func row(_ name: String) -> Int? { rows.firstIndex { $0.contains(name) } }
    var found: [String] = []
    for target in targets where !target.isTest && !besideRows.contains(target.name) {
        guard let own = row(target.name) else {
            found.append("\(target.name) is in no row of docs/architecture.md")
            continue
        }
        for dependency in target.dependencies {
            if besideRows.contains(dependency) {
                found.append("\(target.name) depends on \(dependency), which only tests may")
            } else if let other = row(dependency), other >= own {
                found.append("\(target.name) (row \(own)) depends on \(dependency) (row \(other))")
            }
        }
    }
    return found
}

/// Prints each target as one line: its type, its name, its dependencies.
private let flatten = """
    import json, sys
    for target in json.load(sys.stdin)["targets"]:
        print(target["type"], target["name"], *target.get("target_dependencies", []))
    """

/// The targets as SwiftPM sees them.
private func describedTargets() throws -> [Target] {
    let temporary = Repository.path(".build/tmp")
    try File.makeDirectories(temporary)
    // A scratch directory of its own: the one in use is locked by the run of these tests.
    let described = try Program.run(
        [
            "swift", "package", "--package-path", Repository.root, "--scratch-path",
            Repository.path(".build/describe"), "describe", "--type", "json",
        ],
        environment: Program.ownEnvironment.merging(["TMPDIR": temporary]) { $1 }, timeout: 60)
    try #require(described.status == 0, "\(described.errors)")
    let lines = try Program.run(["python3", "-c", flatten], stdin: described.stdout)
    try #require(lines.status == 0, "\(lines.errors)")
    return lines.output.split(separator: "\n").map { line in
        let words = line.split(separator: " ").map(String.init)
        return Target(name: words[1], isTest: words[0] == "test", dependencies: Array(words.dropFirst(2)))
    }
}

@Suite struct DependencyTests {
    @Test(.timeLimit(.minutes(20))) func `arrows between targets point down only`() throws {
        let targets = try describedTargets()
        #expect(targets.contains { $0.name == "corral" && $0.dependencies == ["Commands"] })
        #expect(violations(in: targets, rows: rows) == [])
        let known = Set(targets.map(\.name))
        #expect(rows.joined().filter { !known.contains($0) } == [], "rows name a target that is not there")
    }

    @Test(.timeLimit(.minutes(20))) func `libarchive is used by the unpacker alone`() throws {
        let targets = try describedTargets()
        #expect(targets.filter { $0.dependencies.contains("CArchive") }.map(\.name) == ["Unpack"])
        let users = targets.filter { $0.dependencies.contains("Unpack") }.map(\.name)
        #expect(users.sorted() == ["FuzzTargets", "corral-unpack"])
    }

    @Test func `the architecture page names every target`() throws {
        let page = try #require(File.text(Repository.path("docs/architecture.md")))
        #expect((rows.joined() + besideRows).filter { !page.contains($0) } == [])
    }

    @Test(arguments: [
        (["Low", "High"], "Low (row 0) depends on High (row 1)"),
        (["High", "Level"], "High (row 1) depends on Level (row 1)"),
        (["New"], "New is in no row of docs/architecture.md"),
        (["High", "TestSupport"], "High depends on TestSupport, which only tests may"),
    ])
    func `a wrong arrow is named`(words: [String], sentence: String) {
        let target = Target(name: words[0], dependencies: Array(words.dropFirst()))
        #expect(violations(in: [target], rows: [["Low"], ["High", "Level"]]) == [sentence])
    }

    @Test func `arrows that point down and those of tests are right`() {
        let targets = [
            Target(name: "High", dependencies: ["Low"]),
            Target(name: "LowTests", isTest: true, dependencies: ["High", "TestSupport"]),
        ]
        #expect(violations(in: targets, rows: [["Low"], ["High"]]) == [])
    }
}
