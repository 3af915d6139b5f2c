import Configuration
import Glibc
import TestSupport
import Testing

@Suite struct SettingsFilesTests {
    /// The configuration directory of a user; lives as long as the test.
    private let home: TemporaryDirectory

    init() throws { home = try TemporaryDirectory() }

    private func place() throws -> Place {
        try #require(Place(ofUserWith: { ["HOME": home.path, "XDG_CONFIG_HOME": home.path][$0] }))
    }

    private func load(_ environment: [String] = []) throws -> LoadedSettings {
        LoadedSettings.load(place: try place(), environment: environment)
    }

    @Test func `nothing is configured where there is no file`() throws {
        let loaded = try load()
        #expect(loaded.files == [] && loaded.errors == [])
        #expect(loaded.settings == Settings(place: try place()))
    }

    @Test func `corral d comes behind the file, sorted, without what begins with a dot or ends otherwise`()
        throws
    {
        try home.write("corral/corral.yaml", "limits: {sessions: 1}\n")
        for (name, value) in [("20-b", 3), ("10-a", 2), (".hidden", 9), ("Z", 4)] {
            try home.write("corral/corral.d/\(name).yaml", "limits: {sessions: \(value)}\n")
        }
        try home.write("corral/corral.d/30.yaml.bak", "garbage: [\n")
        let loaded = try load()
        let directory = "\(home.path)/corral"
        #expect(
            loaded.files
                == ["\(directory)/corral.yaml"]
                + ["10-a", "20-b", "Z"].map { "\(directory)/corral.d/\($0).yaml" })
        #expect(loaded.errors == [] && loaded.settings.number(.limitSessions) == 4)
        #expect(loaded.settings[.limitSessions].replaced.count == 3)
    }

    @Test func `every mistake of every file and of the environment is told`() throws {
        let main = try home.write("corral/corral.yaml", "stat: /x\nlimits: {sessions: 0}\n")
        let part = try home.write("corral/corral.d/a.yaml", "a: [\n")
        let loaded = try load(["CORRAL_LOG_LEVEL=loud"])
        let errors = loaded.errors.map(\.description)
        #expect(errors.count == 4, "\(errors)")
        #expect(errors[0].hasPrefix("\(main):1:1: stat: ") && errors[1].hasPrefix("\(main):2:20: limits.s"))
        #expect(errors[2].hasPrefix("\(part):") && errors[3].hasPrefix("CORRAL_LOG_LEVEL: \"loud\""))
    }

    @Test(
        arguments: [
            (0o664, "can be written by others (mode 0664); chmod go-w makes it fit"),
            (0o646, "can be written by others (mode 0646)"),
        ] as [(UInt32, String)])
    func `a file that others may write to is refused`(mode: UInt32, message: String) throws {
        let file = try home.write("corral/corral.yaml", "log: {level: debug}\n", mode: mode)
        let loaded = try load()
        #expect(loaded.errors.map(\.description).first?.hasPrefix("\(file): \(message)") == true)
        #expect(loaded.settings.text(.logLevel) == "info")
        #expect(try SettingsFiles.read(file, isTrusted: false).count == 20)
    }

    @Test(.enabled(if: Host.isRoot, "skipped: only root can give files away"))
    func `a file of somebody else's is refused`() throws {
        let file = try home.write("corral/corral.yaml", "log: {level: debug}\n")
        #expect(unsafe chown(file, Host.ordinaryUser, 0) == 0)
        let errors = try load().errors.map(\.description)
        #expect(errors.count == 1 && errors[0].contains("belongs to uid \(Host.ordinaryUser)"))
    }

    @Test func `what is no regular file is refused without waiting`() throws {
        try home.write("corral/x", "")
        let file = home("corral/corral.yaml")
        #expect(unsafe mkfifo(file, 0o600) == 0)
        #expect(try load().errors.map(\.description) == ["\(file): is not a regular file"])
        #expect(unsafe unlink(file) == 0 && mkdir(file, 0o755) == 0)
        #expect(try load().errors.map(\.description) == ["\(file): is not a regular file"])
        #expect(unsafe rmdir(file) == 0 && symlink("nowhere", file) == 0)
        #expect(try load().errors.map(\.description).first?.hasPrefix("\(file): ENOENT") == true)
    }

    @Test func `a file in the place of corral d and one that is too large are told`() throws {
        let directory = try home.write("corral/corral.d", "")
        let file = try home.write("corral/corral.yaml", String(repeating: "#\n", count: 140_000))
        #expect(
            try load().errors.map(\.description) == [
                "\(directory): is not a directory; expected one that holds *.yaml"
            ])
        try File.remove(directory)
        #expect(try load().errors.map(\.description) == ["\(file): has more than 256 KiB"])
    }
}
