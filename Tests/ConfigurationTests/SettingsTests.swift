import Configuration
import Sandbox
import Testing

@Suite struct SettingsTests {
    private func user(_ variables: [String: String]) -> Place? { Place(ofUserWith: { variables[$0] }) }

    @Test(arguments: SettingKey.allCases)
    func `every key has a default of its own kind, which reads back as itself`(key: SettingKey) throws {
        for place in [Place.system, try #require(user(["HOME": "/home/u"]))] {
            let value = Settings(place: place)[key].value
            #expect(try key.read(value.written(as: key.kind)) == value, "\(key.rawValue)")
        }
        #expect(!key.meaning.isEmpty && !key.meaning.contains("|"))
    }

    @Test func `variables have names of their own`() {
        let names = SettingKey.allCases.map(\.variable)
        #expect(Set(names).count == names.count)
        #expect(SettingKey.limitOpenFiles.variable == "CORRAL_LIMITS_OPEN_FILES")
        for name in ["CORRAL_DATA", "CORRAL_INIT", "CORRAL_UNPACK"] { #expect(!names.contains(name)) }
    }

    @Test func `root's directories are those of the file system's hierarchy`() {
        let settings = Settings(place: .system)
        #expect(settings.text(.state) == "/var/lib/corral")
        #expect(settings.text(.socketPath) == "/run/corral/corral.sock")
        #expect(settings.list(.profiles) == ["/etc/corral/profiles", "/usr/share/corral/profiles"])
        #expect(settings.textOrNone(.user) == "corral" && settings.number(.socketMode) == 0o660)
    }

    @Test func `an ordinary user's directories are XDG's`() throws {
        let given = Settings(
            place: try #require(
                user([
                    "HOME": "/home/u", "XDG_CONFIG_HOME": "/c/", "XDG_STATE_HOME": "/s",
                    "XDG_RUNTIME_DIR": "/run/user/7", "XDG_DATA_HOME": "relative",
                ])))
        #expect(given.text(.state) == "/s/corral")
        #expect(given.text(.socketPath) == "/run/user/7/corral/corral.sock")
        #expect(given.list(.profiles)[0] == "/c/corral/profiles")
        #expect(given.text(.images) == "/home/u/.local/share/corral/images")
        #expect(given.textOrNone(.user) == nil && given.number(.socketMode) == 0o600)
        let bare = Settings(place: try #require(user(["HOME": "/home/u/"])))
        #expect(bare.text(.state) == "/home/u/.local/state/corral")
        #expect(bare.text(.runtime) == "/home/u/.local/state/corral/run")
        #expect(user(["XDG_CONFIG_HOME": "/c"]) == nil && user(["HOME": "x"]) == nil)
    }

    @Test func `another state directory has another socket, unless one says where`() throws {
        var options = SettingsLayer()
        try SettingsVariables.option("--state", .state, "/srv/two", into: &options)
        let second = Settings(place: .system, layers: [options])
        #expect(second.text(.runtime) == "/srv/two/run")
        #expect(second.text(.socketPath) == "/srv/two/run/corral.sock")
        #expect(second[.state].origin.description == "--state")
        try SettingsVariables.assignment("runtime=/run/two", into: &options)
        #expect(Settings(place: .system, layers: [options]).text(.socketPath) == "/run/two/corral.sock")
    }

    @Test func `options win over variables, and these over files, of which the later wins`() throws {
        let first = SettingsReader.read(Array("limits: {sessions: 1, pids: 11}\n".utf8), file: "a.yaml").layer
        let second = SettingsReader.read(
            Array("limits:\n  sessions: 2\n".utf8), file: "b.yaml"
        ).layer
        let variables = SettingsVariables.read(["CORRAL_LIMITS_SESSIONS=3", "CORRAL_LOG_LEVEL=", "HOME=/"])
        #expect(variables.errors.isEmpty && variables.warnings == [])
        var options = SettingsLayer()
        try SettingsVariables.assignment("limits.sessions=4", into: &options)
        let layers = [first, second, variables.layer, options]
        for (count, value) in [(1, 1), (2, 2), (3, 3), (4, 4)] as [(Int, UInt64)] {
            let settings = Settings(place: .system, layers: Array(layers.prefix(count)))
            #expect(settings.number(.limitSessions) == value)
            #expect(settings[.limitSessions].replaced.count == count - 1)
            #expect(settings.numberOrNone(.limitPids) == 11)
        }
        let top = Settings(place: .system, layers: layers)[.limitSessions]
        #expect(top.origin.description == "--set")
        #expect(
            top.replaced.map(\.origin.description) == ["CORRAL_LIMITS_SESSIONS", "b.yaml:2", "a.yaml:1"])
    }

    @Test func `a wrong variable is an error, one that is no setting a warning`() {
        let reading = SettingsVariables.read([
            "CORRAL_LIMITS_SESSIONS=many", "CORRAL_STAET=/x", "CORRAL_DATA=/d", "CORRAL_TEST_ALL=1",
            "CORRAL_PROFILES=/a:/b", "CORRAL_MOUNTS=/a::/b", "OTHER=1",
        ])
        #expect(reading.errors.count == 2)
        #expect(
            reading.errors[0].description.hasPrefix(
                "CORRAL_LIMITS_SESSIONS: \"many\" is not a whole number"))
        #expect(reading.errors[1].description.hasPrefix("CORRAL_MOUNTS: "))
        #expect(
            reading.warnings == [
                "CORRAL_STAET: no setting has this variable; did you mean CORRAL_STATE?"
            ])
        #expect(Settings(place: .system, layers: [reading.layer]).list(.profiles) == ["/a", "/b"])
    }

    @Test(arguments: [
        ("limits.sessions", "--set: \"limits.sessions\" has no =; expected KEY=VALUE"),
        ("sessions=5", "--set: \"sessions\" is not a key; did you mean limits.sessions?"),
        ("limits.sesions=5", "--set: \"limits.sesions\" is not a key; did you mean limits.sessions?"),
        ("limits.sessions=x", "--set: limits.sessions: \"x\" is not a whole number"),
    ])
    func `a wrong assignment is told`(text: String, message: String) {
        var layer = SettingsLayer()
        let error = #expect(throws: SettingsError.self) {
            try SettingsVariables.assignment(text, into: &layer)
        }
        #expect(error?.description.hasPrefix(message) == true, "\(String(describing: error))")
        #expect(layer.statements.isEmpty)
    }

    @Test(arguments: [
        (
            "limits: {sessions: 16384}\nuids: 200000-200099",
            "corral.yaml:1:10: limits.sessions: 16384 sessions need 32768 user ids; uids has 100 (corral.yaml:2)"
        ),
        ("uids: 200000-200099", "corral.yaml:1:1: uids: 1000 sessions need 2000 user ids"),
        (
            "defaults: {ttl: 48h}",
            "corral.yaml:1:12: defaults.ttl: defaults.ttl is 48h, which is longer than defaults.max, 24h"
        ),
        ("defaults: {max: 1h, idle: 2h}", "corral.yaml:1:21: defaults.idle:"),
        ("user: none", "corral.yaml:1:1: user: corrald does not stay root"),
        ("user: \"0\"", "corral.yaml:1:1: user: corrald does not stay root"),
        ("runtime: /var/lib/corral", "corral.yaml:1:1: runtime: state and runtime are the same directory"),
    ])
    func `values that do not fit each other are told`(text: String, message: String) {
        let layer = SettingsReader.read(Array(text.utf8), file: "corral.yaml").layer
        let problems = Settings(place: .system, layers: [layer]).problems.map(\.description)
        #expect(problems.count == 1 && problems[0].hasPrefix(message), "\(problems)")
    }

    @Test func `the defaults fit each other`() throws {
        #expect(Settings(place: .system).problems == [])
        #expect(Settings(place: try #require(user(["HOME": "/home/u"]))).problems == [])
    }

    @Test func `a reload takes what can change and says what has to wait`() throws {
        var layer = SettingsLayer()
        try SettingsVariables.assignment("limits.sessions=50", into: &layer)
        try SettingsVariables.assignment("socket.group=wheel", into: &layer)
        // The same value from elsewhere is no change.
        try SettingsVariables.assignment("log.level=info", into: &layer)
        let before = Settings(place: .system)
        let after = Settings(place: .system, layers: [layer])
        let changes = before.changes(to: after)
        #expect(changes.map(\.key) == [.socketGroup, .limitSessions])
        #expect(changes[0].sentence == "socket.group: corral -> wheel (--set): holds from the next start on")
        #expect(changes[1].sentence == "limits.sessions: 1000 -> 50 (--set): in force")
        let result = before.reloaded(with: after)
        #expect(result.number(.limitSessions) == 50 && result.text(.socketGroup) == "corral")
        #expect(result[.logLevel].origin.description == "--set")
        #expect(after.changes(to: after) == [])
        try SettingsVariables.assignment("limits.memory=1GiB", into: &layer)
        let ceiling = before.changes(to: Settings(place: .system, layers: [layer])).last
        #expect(ceiling?.sentence.contains("holds from the next start of the warden on") == true)
        // What waits is told again by the next reload.
        #expect(result.changes(to: after).map(\.key) == [.socketGroup])
    }
}
