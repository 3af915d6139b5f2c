import Configuration
import Sandbox
import Testing

@Suite struct SettingsReaderTests {
    private func read(_ text: String) -> (layer: SettingsLayer, errors: [String]) {
        let (layer, errors) = SettingsReader.read(Array(text.utf8), file: "corral.yaml")
        return (layer, errors.map(\.description))
    }

    @Test func `a file gives values with the lines that they stand in`() {
        let (layer, errors) = read(
            """
            state: /srv/corral
            profiles: [/a, /b]
            uids: 300000-300999
            limits:
              sessions: 50
              memory: 2GiB
              cpus: none
            defaults: {ttl: 90m, idle: none}
            log: {level: debug}
            """)
        #expect(errors == [])
        let settings = Settings(place: .system, layers: [layer])
        #expect(settings.text(.state) == "/srv/corral")
        #expect(settings[.state].origin == .file("corral.yaml", line: 1, column: 1))
        #expect(settings.list(.profiles) == ["/a", "/b"])
        #expect(settings.uids == 300_000...300_999)
        #expect(settings.number(.limitSessions) == 50)
        #expect(settings[.limitSessions].origin.description == "corral.yaml:5")
        #expect(settings.numberOrNone(.limitMemory) == 2 << 30)
        #expect(settings.numberOrNone(.limitCPUs) == nil)
        #expect(settings.numberOrNone(.defaultTTL) == 5_400_000)
        #expect(settings.text(.logLevel) == "debug")
        #expect(settings[.logFormat].origin == .builtIn)
    }

    /// A line of a file, and how the error about it begins and what it must hold.
    @Test(arguments: [
        ("stat: /x", "1:1: stat: is not a key here; did you mean state?"),
        ("limits: {session: 5}", "1:10: limits.session: is not a key here; did you mean sessions?"),
        ("sessions: 5", "1:1: sessions: is not a key here; did you mean limits.sessions?"),
        ("limits.sessions: 5", "expected a mapping for each of its parts, such as limits: {sessions: 100}"),
        ("limits: 5", "1:9: limits: is a plain value; expected a mapping"),
        ("limits: {sessions: many}", "1:20: limits.sessions: \"many\" is not a whole number"),
        ("limits: {sessions: 0}", "limits.sessions: \"0\" is too small; expected 1 to 16384"),
        ("limits: {memory: 2GB}", "limits.memory: \"2GB\" is not a size; expected"),
        ("state: srv", "1:8: state: \"srv\" is not an absolute path"),
        ("state: /srv/../x", "state: \"/srv/../x\" is not in normal form"),
        ("state:", "state: has no value"), ("profiles: /a", "profiles: is a plain value; expected a list"),
        ("profiles: [/a, /a]", "1:16: profiles[1]: \"/a\" is listed twice"),
        ("mounts: [a]", "mounts[0]: \"a\" is not an absolute path"),
        ("uids: 5", "uids: \"5\" is not a range; expected two numbers, such as 200000-265535"),
        ("uids: 9-5", "uids: \"9-5\" ends before"), ("uids: 0-5", "uids: \"0\" is too small"),
        ("socket: {group: \"a b\"}", "socket.group: \"a b\" is not a user or group"),
        ("socket: {mode: 0777}", "socket.mode: \"0777\" is too large; expected 0600 to 0666"),
        ("log: {level: inf}", "log.level: \"inf\" is not a value here; did you mean info?"),
        ("defaults: {profile: ../x}", "defaults.profile: \"../x\" is not a name"),
        ("defaults: {ttl: 30}", "defaults.ttl: \"30\" is not a duration"),
        ("state: /a\nstate: /b", "2:1: state: is given twice; first in line 1"),
        ("a: &x 1", "anchors (&) are not used here"), ("- a", "is a list; expected a mapping"),
    ])
    func `a mistake is told with its place, its key and what was expected`(line: String, message: String) {
        let (layer, errors) = read(line)
        #expect(errors.count == 1 && errors[0].hasPrefix("corral.yaml:"), "\(errors)")
        #expect(errors.first?.contains(message) == true, "\(errors)")
        #expect(line.hasPrefix("profiles: [") || layer.statements.isEmpty)
    }

    @Test func `every mistake of a file is told, and what is right is read all the same`() {
        let (layer, errors) = read("stat: /x\nlimits: {sessions: 0, pids: 9, x: 1}\nlog: {format: json}\n")
        #expect(errors.count == 3)
        #expect(layer.statements.map(\.key) == [.limitPids, .logFormat])
    }

    @Test(arguments: ["", "\n\n", "# state: /srv\n  # more\n"])
    func `a file that says nothing is right`(text: String) {
        let (layer, errors) = read(text)
        #expect(layer.statements.isEmpty && errors == [])
    }

    @Test func `whatever bytes a file holds, reading ends with an answer`() {
        var numbers = SystemRandomNumberGenerator()
        let seed = Array("limits: {sessions: 5, memory: 1GiB}\nprofiles: [/a]\nlog: {level: info}\n".utf8)
        for _ in 0..<2000 {
            var bytes = seed
            for _ in 0..<Int.random(in: 1...6, using: &numbers) {
                bytes[Int.random(in: bytes.indices, using: &numbers)] = UInt8.random(in: 0...255)
            }
            let (layer, errors) = SettingsReader.read(bytes, file: "f")
            #expect(layer.statements.count <= SettingKey.allCases.count)
            for error in errors { #expect(error.line >= 1 && !error.problem.isEmpty) }
        }
    }
}
