import Configuration
import Sandbox
import TestSupport
import Testing
import Wire

/// What is made from the table of keys and from settings.
@Suite struct SettingsTextTests {
    /// Settings in which nothing is as it is by default.
    private func unusual() throws -> Settings {
        let text = """
            state: "/srv/a b: #c"
            user: none
            profiles: ["/p/\\u00e9", /q]
            images: /srv/i
            mounts: []
            limits: {memory: 3GiB, pids: none, cpus: 1.5, sessions: 77}
            socket: {mode: 0600, group: "12"}
            defaults: {ttl: 90s, max: none}
            warden: {path: /usr/libexec/corral-warden}
            """
        let (layer, errors) = SettingsReader.read(
            Array(text.utf8), file: "x.yaml")
        try #require(errors.isEmpty, "\(errors)")
        return Settings(place: .system, layers: [layer])
    }

    private func values(_ settings: Settings) -> [SettingValue] {
        SettingKey.allCases.map { settings[$0].value }
    }

    @Test(arguments: [false, true])
    func `settings written as YAML read back as the same`(origins: Bool) throws {
        for settings in [Settings(place: .system), try unusual()] {
            let text = SettingsText.yaml(settings, origins: origins)
            let (layer, errors) = SettingsReader.read(Array(text.utf8), file: "y.yaml")
            #expect(errors.isEmpty, "\(errors)")
            #expect(layer.statements.count == SettingKey.allCases.count)
            #expect(values(Settings(place: .system, layers: [layer])) == values(settings))
        }
    }

    @Test func `settings as JSON have the same nesting, numbers for counts and text for the rest`() throws {
        let text = SettingsText.json(try unusual()).description
        #expect(text.hasPrefix("{\"state\":\"/srv/a b: #c\",\"runtime\":"))
        #expect(
            text.contains(
                "\"limits\":{\"sessions\":77,\"processes\":64,\"memory\":\"3GiB\",\"pids\":\"none\""))
        #expect(text.contains("\"mounts\":[]") && text.contains("\"grace\":\"10s\""))
    }

    @Test func `origins and what they replace are shown`() {
        let first = SettingsReader.read(Array("log: {level: error}\n".utf8), file: "a.yaml").layer
        let variables = SettingsVariables.read(["CORRAL_LOG_LEVEL=debug"]).layer
        let settings = Settings(place: .system, layers: [first, variables])
        let lines = SettingsText.yaml(settings, origins: true).split(separator: "\n").map(String.init)
        #expect(lines.contains("  level: debug  # CORRAL_LOG_LEVEL; instead of error (a.yaml:1)"))
        #expect(lines.contains("  format: auto  # default"))
        let json = SettingsText.jsonWithOrigins(settings).description
        #expect(
            json.contains(
                "\"log.level\":{\"value\":\"debug\",\"origin\":\"CORRAL_LOG_LEVEL\",\"replaces\":"
                    + "[{\"value\":\"error\",\"origin\":\"a.yaml:1\"}]}"))
    }

    @Test func `the schema in the project is what is generated`() throws {
        let shipped = try File.read(Repository.path("docs/corral.schema.json"))
        #expect(
            String(decoding: shipped, as: UTF8.self) == SettingsSchema.text + "\n",
            "corral config schema >docs/corral.schema.json")
    }

    @Test func `the table in the documentation is what is generated`() throws {
        let page = try #require(File.text(Repository.path("docs/configuration.md")))
        #expect(page.contains("\n\(SettingsSchema.table)\n"), "corral config schema --reference")
    }

    /// `1125899906842624ms` was a bound once: what nobody would write, nobody can read.
    @Test func `every bound of a value is written as somebody would write it`() {
        for key in SettingKey.allCases {
            guard case .quantity(let quantity) = key.kind else { continue }
            for bound in [quantity.range.lowerBound, quantity.range.upperBound] {
                let text = quantity.write(bound)
                let isCount = quantity.kind == .count
                #expect(text.utf8.count <= (isCount ? 10 : 8), "\(key.rawValue): \(text)")
                #expect((try? quantity.read(text)) == bound, "\(key.rawValue): \(text)")
            }
        }
        #expect(
            SettingsSchema.table.contains(
                "| `node.cpu_time_per_day` | duration | 1s to 393216h, or none | `none` |"))
    }

    /// Reads files as an editor does and prints for each how many mistakes the schema finds.
    private static let check = """
        import json, sys
        try: import jsonschema, yaml
        except ImportError as error: print(error, file=sys.stderr); sys.exit(77)
        schema = json.load(open(sys.argv[1]))
        jsonschema.Draft202012Validator.check_schema(schema)
        validator = jsonschema.Draft202012Validator(schema)
        for path in sys.argv[2:]:
            print(len(list(validator.iter_errors(yaml.safe_load(open(path))))))
        """

    /// Right and wrong alike: what the reader says of a value the schema says, too.
    @Test func `the schema and the reader agree on values`() throws {
        let lines = [
            "state: /srv", "state: srv", "state: 5", "user: corral", "user: 5", "user: none", "user: A",
            "profiles: [/a, /b]", "profiles: [/a, /a]", "profiles: /a", "profiles: []", "uids: 200000-265535",
            "uids: 5", "limits: {sessions: 5}", "limits: {sessions: 0}", "limits: {sessions: none}",
            "limits: {pids: none}", "limits: {memory: 64MiB}", "limits: {memory: 64MB}",
            "limits: {memory: none}", "limits: {cpus: 0.5}", "limits: {cpus: none}", "limits: {cpu: 1}",
            "defaults: {ttl: 30s}", "defaults: {ttl: 30}", "defaults: {ttl: none}", "defaults: {grace: none}",
            "socket: {mode: 0640}", "socket: {group: x y}", "log: {level: info}", "log: {level: loud}",
            "warden: {path: none}", "warden: {path: /a/b}", "warden: {path: a}", "sessions: 5",
            SettingsText.yaml(Settings(place: .system), origins: true),
        ]
        let directory = try TemporaryDirectory()
        var files: [String] = []
        var expected: [Bool] = []
        for (index, line) in lines.enumerated() {
            files.append(try directory.write("c\(index).yaml", line + "\n"))
            expected.append(SettingsReader.read(Array(line.utf8), file: "c.yaml").errors.isEmpty)
        }
        #expect(expected.contains(true) && expected.contains(false))
        let outcome = try Program.run(
            ["/usr/bin/python3", "-c", Self.check, Repository.path("docs/corral.schema.json")] + files)
        if outcome.status == 77 {
            return Host.skip("python3-jsonschema or python3-yaml is not installed")
        }
        try #require(outcome.status == 0, "\(outcome.errors)")
        let found = outcome.output.split(separator: "\n").map { $0 == "0" }
        #expect(found.count == lines.count)
        for (line, (left, right)) in zip(lines, zip(expected, found)) { #expect(left == right, "\(line)") }
    }
}
