// swift-tools-version: 6.3
import PackageDescription

/// Sanitizers need shared libraries: with CORRAL_SANITIZE set nothing is linked statically and
/// what runs in sandboxes is left out (the tests take an ordinary build's through CORRAL_INIT and
/// CORRAL_UNPACK).
let sanitizing = Context.environment["CORRAL_SANITIZE"] != nil

/// `make fuzz`: everything notes which ways an input took. In one option, since swiftc takes the last alone.
let fuzzing = Context.environment["CORRAL_FUZZ"] != nil
let fuzzer = "-sanitize=fuzzer,address"

/// Undefined behaviour of C ends the process, which needs no library of the sanitizer's.
let trapping = ["-fsanitize=undefined", "-fsanitize-trap=undefined"]

/// Settings every Swift target shares; a target that needs an exception says why.
let swift: [SwiftSetting] =
    (fuzzing ? [.unsafeFlags([fuzzer])] : []) + [
        .swiftLanguageMode(.v6),
        .strictMemorySafety(),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
        .treatAllWarnings(as: .error),
    ]

/// C with the warnings that catch what a reviewer would.
let c: [CSetting] =
    [.enableWarning("all"), .enableWarning("extra"), .treatAllWarnings(as: .error)]
    + (fuzzing || sanitizing ? [.unsafeFlags(trapping)] : [])

/// Embedded Swift: one static file of 0.7 MB that starts in 0.4 ms. `-Osize` in debug builds
/// too, so that the init under test is the init that ships.
let embedded: [SwiftSetting] =
    swift + [
        .enableExperimentalFeature("Embedded"),
        .unsafeFlags(["-wmo", "-Osize"]),
    ]

/// No shared library at all: starts five times as fast. The flag goes to the linker only,
/// because at compile time it would make the embedded target unbuildable; lld, because gold
/// prints a warning about dlopen in the Swift runtime at every link.
let staticExecutable: [LinkerSetting] =
    sanitizing ? [] : [.unsafeFlags(["-static-executable", "-use-ld=lld"])]

/// Calls of these functions go through Sources/CYardstick/allocations.c.
let countAllocations: [LinkerSetting] = [
    .unsafeFlags(
        ["malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc"]
            .flatMap { ["-Xlinker", "--wrap=\($0)"] })
]

/// The Swift runtime alone is linked in: libmicrohttpd brings libraries that are not to be had otherwise.
let staticRuntime: [LinkerSetting] =
    sanitizing ? [] : [.unsafeFlags(["-static-stdlib", "-use-ld=lld"])]

func system(_ name: String, _ pkgConfig: String?, _ package: String) -> Target {
    .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([package])])
}

func library(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: swift)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], data: [String] = []) -> Target {
    .testTarget(
        name: name, dependencies: dependencies + ["TestSupport"], exclude: data, swiftSettings: swift)
}

// The rows of docs/architecture.md: a target depends on rows above its own only, which
// Tests/ArchitectureTests checks.
let package = Package(
    name: "corral",
    targets: [
        // C: system calls that Swift's Glibc module hides, and module maps of libraries.
        .target(name: "CLinux", cSettings: c),
        system("CSeccomp", "libseccomp", "libseccomp-dev"),
        system("CYAML", "yaml-0.1", "libyaml-dev"),
        system("CNettle", "nettle", "nettle-dev"),
        system("CArchive", "libarchive", "libarchive-dev"),
        system("CZlib", "zlib", "zlib1g-dev"),
        system("CSQLite", "sqlite3", "libsqlite3-dev"),
        system("CMicroHTTPD", "libmicrohttpd", "libmicrohttpd-dev"),
        system("CWslay", nil, "libwslay-dev"),

        // The kernel, typed; what a sandbox is, as values; codecs without I/O; the init's plan.
        library("Linux", ["CLinux"]),
        library("Sandbox", ["CYAML"]),
        library("Wire"),
        library("InitPlan", ["CLinux"]),
        // Where tests kill the daemons; nothing in a release build.
        library("FailPoints"),
        library("Network"),

        // One mechanism each.
        library("Seccomp", ["Sandbox", "Wire", "Linux", "CLinux", "CSeccomp", "CNettle"]),
        library("Cgroups", ["Sandbox", "Linux", "CLinux"]),
        library("Dialects", ["Sandbox", "Wire"]),
        library("Debian", ["Sandbox", "Linux", "CLinux"]),
        library("Trees", ["Linux", "CLinux", "CNettle"]),
        library("Figures", ["Wire"]),
        library("Metrics"),
        library("ServiceManager", ["Linux", "CLinux"]),
        library("Capture", ["Linux", "CLinux"]),
        library("Service", ["Wire", "Network", "Linux", "CLinux", "CMicroHTTPD", "CWslay", "CNettle"]),
        library("Configuration", ["Sandbox", "Network", "Wire", "Linux"]),
        library("Client", ["Wire", "Network", "Linux", "CLinux"]),
        library("Tables", ["Sandbox", "Wire"]),
        library("Sessions", ["Sandbox"]),
        library("API", ["Sandbox", "Wire"]),

        // What puts mechanisms together.
        library("Launch", ["Sandbox", "Seccomp", "Cgroups", "InitPlan", "Linux", "CLinux"]),
        library("Denials", ["Sandbox", "Seccomp", "Linux"]),
        library("Volumes", ["Trees", "FailPoints", "Linux", "CLinux"]),
        library("Quotas", ["API", "Sessions", "Sandbox"]),
        library("Access", ["API", "Sessions", "Trees", "Sandbox"]),
        library("Relay", ["Dialects", "Sandbox", "Wire", "Linux", "CLinux"]),

        // Between corrald and the warden.
        library("WardenProtocol", ["FailPoints", "Sandbox", "Linux", "CLinux"]),

        // What plugins say of themselves and to their host, looked at from the host's side.
        library("Plugins", ["Dialects", "Sandbox", "Wire"]),

        // Archives to trees: the only user of libarchive, and linked by corral-unpack alone.
        library("Unpack", ["Trees", "Wire", "Linux", "CLinux", "CArchive", "CZlib"]),
        library("Images", ["Trees", "Sandbox", "Wire", "Linux", "CLinux"]),

        // Files of a session's workspace for those outside of it, by descriptor.
        library("Workspace", ["Trees", "Linux", "CLinux"]),

        // From names and options to what a launch takes; with and without a command line.
        library(
            "Preparation",
            ["Launch", "Quotas", "Seccomp", "Cgroups", "FailPoints", "Sandbox", "Linux", "CLinux"]),

        library(
            "Warden",
            [
                "Preparation", "Launch", "Cgroups", "Volumes", "WardenProtocol", "FailPoints", "Sandbox",
                "ServiceManager", "Wire", "Linux", "CLinux",
            ]),
        // What the daemon remembers: the only user of sqlite.
        library("Store", ["API", "Trees", "Wire", "Linux", "CSQLite"]),

        // What corrald is made of.
        library(
            "Daemon",
            [
                "API", "Access", "Quotas", "Service", "Sessions", "Store", "Capture", "Cgroups", "Metrics",
                "WardenProtocol", "ServiceManager",
                "Configuration",
                "Preparation", "FailPoints", "Workspace", "Trees", "Sandbox", "Network", "Wire", "Linux",
                "CLinux",
            ]),

        library(
            "Commands",
            [
                "Network",
                "Preparation", "Quotas", "Sandbox", "Seccomp", "Cgroups", "Launch", "Denials", "Relay",
                "Plugins",
                "Dialects",
                "Debian",
                "Images", "Trees", "Volumes", "Workspace", "Client", "API", "Capture", "Configuration",
                "WardenProtocol", "Tables",
                "Wire",
                "Linux",
                "CLinux",
            ]),
        library("TestSupport", ["Linux", "CLinux"]),
        // Attacks on sandboxes: the cases as values, and the program that makes them inside. Static,
        // so that it runs in any root.
        library("Attacks", ["Sandbox", "Seccomp", "Wire", "Linux", "CLinux", "TestSupport"]),
        .executableTarget(name: "attacker", cSettings: c, linkerSettings: staticExecutable),
        .executableTarget(
            name: "prove", dependencies: ["Attacks", "Sandbox", "Seccomp", "Wire", "Linux", "TestSupport"],
            swiftSettings: swift, linkerSettings: staticExecutable),
        // Entries into everything that reads bytes of others: of `make fuzz` and of FuzzTests.
        library(
            "FuzzTargets",
            [
                "API", "Access", "Client", "Configuration", "Network", "Sessions", "Tables", "Capture",
                "Commands", "Preparation", "Quotas", "Unpack", "Images", "Plugins", "Denials", "Debian",
                "Dialects", "Cgroups", "Seccomp", "Trees",
                "Workspace", "InitPlan", "WardenProtocol", "Wire", "Sandbox", "Linux", "TestSupport",
            ]),

        .executableTarget(
            name: "sandbox-init", dependencies: ["CLinux"],
            swiftSettings: embedded, linkerSettings: staticExecutable),
        .executableTarget(
            name: "corral-unpack", dependencies: ["Unpack"],
            swiftSettings: swift,
            linkerSettings: staticExecutable + [.linkedLibrary("z"), .linkedLibrary("zstd")]),
        .executableTarget(
            name: "corral", dependencies: ["Commands"],
            swiftSettings: swift, linkerSettings: staticExecutable),
        .executableTarget(
            name: "corral-warden", dependencies: ["Warden"],
            swiftSettings: swift, linkerSettings: staticExecutable),
        .executableTarget(
            name: "corrald", dependencies: ["Daemon"],
            swiftSettings: swift, linkerSettings: staticRuntime),
        // What the relay is measured against, and the allocations of the benchmarks.
        .target(name: "CYardstick", cSettings: c),
        .executableTarget(
            name: "Benchmarks",
            dependencies: [
                "Figures", "Wire", "API", "Client", "Relay", "Dialects", "Capture", "Volumes", "Sandbox",
                "Seccomp", "Linux", "CLinux", "CYardstick",
            ],
            swiftSettings: swift, linkerSettings: staticExecutable + countAllocations),

        // Launches and kills by the thousand: beside the rows, for tests only.
        .executableTarget(
            name: "Soak",
            dependencies: [
                "TestSupport", "Launch", "Seccomp", "Cgroups", "Sandbox", "Wire", "Linux", "CLinux",
            ],
            swiftSettings: swift, linkerSettings: staticExecutable),

        // Clients, kills and a model of what has to be: beside the rows, for tests only.
        .executableTarget(
            name: "Churn",
            dependencies: ["TestSupport", "Client", "Capture", "FailPoints", "Wire", "Linux", "CLinux"],
            swiftSettings: swift, linkerSettings: staticExecutable),

        // What CaptureTests kill at random: fills a ring, writes a pattern. Beside the rows.
        .executableTarget(
            name: "capture-role", dependencies: ["Capture", "Linux", "CLinux"],
            swiftSettings: swift, linkerSettings: staticExecutable),

        tests("LinuxTests", ["Linux", "CLinux"]),
        tests("CaptureTests", ["Capture", "Linux", "CLinux"]),
        tests("WireTests", ["Wire"]),
        tests("NetworkTests", ["Network"]),
        tests("InitPlanTests", ["InitPlan"]),
        tests("SandboxValueTests", ["Sandbox"]),
        tests(
            "SeccompTests", ["Seccomp", "Sandbox", "Wire", "Linux", "CLinux", "CSeccomp"], data: ["Golden"]),
        tests("CgroupsTests", ["Cgroups", "Sandbox", "Linux"]),
        tests("DialectsTests", ["Dialects", "Sandbox", "Wire"]),
        tests("PluginsTests", ["Plugins", "Sandbox", "Wire"]),
        tests("DebianTests", ["Debian", "Sandbox"]),
        tests("TreesTests", ["Trees", "Linux"]),
        tests("WorkspaceTests", ["Workspace", "Trees", "Linux", "CLinux"]),
        tests("VolumesTests", ["Volumes", "Trees", "Linux", "CLinux"]),
        tests("UnpackTests", ["Linux", "Wire"]),
        tests("ImagesTests", ["Images", "Trees", "Sandbox", "Linux", "Wire"]),
        tests("StoreTests", ["Store", "API", "Trees", "Wire", "Linux", "CLinux"]),
        tests("LaunchTests", ["Launch", "Sandbox", "InitPlan", "Linux", "CLinux"]),
        tests("WardenProtocolTests", ["WardenProtocol", "Sandbox", "Linux", "CLinux"]),
        tests("DenialsTests", ["Denials", "Sandbox", "Seccomp", "Launch", "Linux", "Wire"]),
        tests("RelayTests", ["Relay", "Dialects", "Sandbox", "Wire", "Linux", "CLinux"]),
        tests(
            "WardenServerTests",
            [
                "Warden", "WardenProtocol", "FailPoints", "Preparation", "Cgroups", "Sandbox", "Wire",
                "Linux",
                "CLinux",
            ]),
        tests(
            "WardenTests",
            [
                "Warden", "WardenProtocol", "Preparation", "Cgroups", "Launch", "Volumes", "Sandbox", "Linux",
                "CLinux",
            ]),
        tests("PreparationTests", ["Preparation", "Sandbox", "Seccomp", "Linux"]),
        tests(
            "CommandsTests",
            [
                "Commands", "Client", "Preparation", "Cgroups", "Configuration", "Launch", "Linux", "Plugins",
                "Relay", "Sandbox", "Seccomp", "Tables", "Wire",
            ]),
        tests("ConfigurationTests", ["Configuration", "Sandbox", "Linux", "Wire"]),
        tests("ClientTests", ["Client", "Linux", "Wire"]),
        tests("TablesTests", ["Tables", "Sandbox", "Wire"]),
        tests("SandboxTests", ["Attacks", "Denials", "Sandbox", "Seccomp", "Wire", "Linux", "CLinux"]),
        tests("EndToEndTests", ["Linux", "Wire"]),
        tests("SoakTests", ["Wire"]),
        tests("ChurnTests", []),
        tests("APITests", ["API", "Wire"]),
        tests("SessionsTests", ["Sessions", "Sandbox"]),
        tests("QuotasTests", ["Quotas", "Sessions", "Sandbox"]),
        tests("AccessTests", ["Access", "API", "Sessions", "Sandbox"]),
        tests(
            "DaemonTests",
            [
                "Daemon", "Access", "Metrics", "Quotas", "API", "Capture", "Client", "Commands", "FailPoints",
                "Service", "ServiceManager", "WardenProtocol", "Sandbox", "Tables",
                "Wire",
                "Linux",
            ]),
        tests("FiguresTests", ["Figures", "Linux", "Wire"]),
        tests("MetricsTests", ["Metrics", "Wire"]),
        tests("ServiceManagerTests", ["ServiceManager", "Linux"]),
        tests("ServiceTests", ["Service", "Network", "Wire", "Linux", "CLinux"]),
        tests("TestSupportTests", ["Linux"]),
        tests("FuzzTests", ["FuzzTargets"]),
        tests("ArchitectureTests", []),
    ]
)

// The program of `make fuzz`, whose main is libFuzzer's. lld, because gold stops at what sanitizers bring.
if fuzzing {
    package.targets.append(
        .executableTarget(
            name: "Fuzz", dependencies: ["FuzzTargets"], path: "Fuzz/Runner",
            swiftSettings: swift + [.unsafeFlags(["-parse-as-library"])],
            linkerSettings: [.unsafeFlags([fuzzer, "-use-ld=lld"])]))
}

if sanitizing { package.targets.removeAll { ["sandbox-init", "corral-unpack"].contains($0.name) } }
// `make sanitize`: what runs in one process, and neither programs nor the tests that start them.
if Context.environment["CORRAL_SANITIZE"] == "libraries" {
    let without = [
        "corral", "Benchmarks", "CYardstick", "attacker", "Attacks", "prove", "Soak", "SandboxTests", "Churn",
        "ChurnTests",
        "EndToEndTests", "SoakTests", "UnpackTests", "CgroupsTests", "TestSupportTests", "ArchitectureTests",
        "WardenTests", "WardenServerTests", "corral-warden", "DaemonTests", "corrald", "capture-role",
        "CaptureTests", "VolumesTests",
    ]
    package.targets.removeAll { without.contains($0.name) }
}
// `CORRAL_ONLY=StoreTests swift test --scratch-path .build/only`: these targets and what they need, for a
// quick look at one module. Nothing that counts is built so.
if let only = Context.environment["CORRAL_ONLY"] {
    var needed: Set<String> = []
    func need(_ name: String) {
        guard needed.insert(name).inserted else { return }
        for dependency in package.targets.first(where: { $0.name == name })?.dependencies ?? [] {
            if case .byNameItem(let name, _) = dependency { need(name) }
        }
    }
    only.split(separator: ",").forEach { need(String($0)) }
    package.targets.removeAll { !needed.contains($0.name) }
}
