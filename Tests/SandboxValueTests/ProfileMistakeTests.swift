import Testing

@testable import Sandbox

/// Mistakes that only a whole profile shows: keys in the wrong place, values that do not go together.
@Suite struct ProfileMistakeTests {
    struct Mistake: Sendable, CustomTestStringConvertible {
        let line: String
        let wrong: String
        let says: String
        var testDescription: String { wrong }

        init(_ line: String, _ wrong: String, _ says: String) {
            self.line = line
            self.wrong = wrong
            self.says = says
        }
    }

    private static let lockable =
        (ProfileKey.allCases.filter(\.isField).map(\.rawValue) + ProfileKey.sections).joined(separator: ", ")

    private static let mistakes: [Mistake] = [
        Mistake(
            "require: [seccomp]", "require: []\nlimits2: {}",
            "10:1: limits2: is not a key here; did you mean limits?"
        ),
        Mistake(
            "  pids: 8", "  timeout: 1s",
            "6:3: limits.timeout: is not a key here; did you mean lifetime.timeout?"
        ),
        Mistake(
            "require: [seccomp]", "require: []\nfilesystem: {root: writable}",
            "10:20: filesystem.root: \"writable\" is nothing that a root can be; expected read_only (what "
                + "processes write to is the workspace and the image's tmpfs)"
        ),
        Mistake(
            "require: [seccomp]", "require: []\nfilesystem: {workspace: readonly}",
            "10:25: filesystem.workspace: \"readonly\" is not a value here; did you mean read_only?"
        ),
        Mistake(
            "require: [seccomp]", "require: []\nnetwork: {mode: proxy, allow: [example.org]}",
            "10:32: network.allow[0]: \"example.org\" has no port; expected HOST:PORT, such as example.org:443 "
                + "or *:443"
        ),
        Mistake(
            "require: [seccomp]", "require: []\nnetwork: {allow: [\"*:443\"]}",
            "10:11: network.allow: is for the mode proxy only, and the mode is none (built-in default); expected "
                + "[] or no such key"
        ),
        Mistake(
            "syscalls: {policy: [base]}", "syscalls: {policy: []}",
            "3:20: syscalls.policy: is empty; expected the base at least"
        ),
        Mistake(
            "require: [seccomp]", "require: []\nlocked: [netwrok]",
            "10:10: locked[0]: \"netwrok\" is not a key or a section; did you mean network?"
        ),
        Mistake(
            "require: [seccomp]", "require: []\nlocked: [extends]",
            "10:10: locked[0]: \"extends\" is not a key or a section; expected one of "
                + lockable
        ),
        Mistake(
            "require: [seccomp]", "require: []\nlocked: [environment.A-B]",
            "10:10: locked[0]: \"A-B\" is not a name of a variable; expected letters, digits and _, no digit first"
        ),
        Mistake(
            "require: [seccomp]", "require: []\nextends: Base",
            "10:10: extends: \"Base\" is not a name; expected 1 to 64 of a-z, 0-9, _ and -, the first a letter or digit"
        ),
        Mistake(
            "require: [seccomp]", "require: []\nlifetime: {ttl: 3h, max: 2h}",
            "10:12: lifetime.ttl: 3h (profiles/x.yaml:10) is more than lifetime.max, 2h (profiles/x.yaml:10)"
        ),
        Mistake(
            "require: [seccomp]", "require: []\nlifetime: {timeout: 1m, max_timeout: 30s}",
            "10:12: lifetime.timeout: 1m (profiles/x.yaml:10) is more than lifetime.max_timeout, 30s "
                + "(profiles/x.yaml:10)"
        ),
        Mistake(
            "require: [seccomp]", "require: []\noutput: {limit: 5}\n\"limits.pids\": 3",
            "11:1: \"limits.pids\": is not a key here; expected a mapping for each of its parts, such as "
                + "limits: {pids: 8}"
        ),
    ]

    @Test(arguments: mistakes)
    func `an error names the place, the key and what was expected`(mistake: Mistake) throws {
        let text = minimalProfile.replacing(mistake.line, with: mistake.wrong)
        try #require(text != minimalProfile)
        let error = #expect(throws: ConfigError.self) {
            try Profile.decode(Array(text.utf8), file: "profiles/x.yaml")
        }
        #expect(error?.description == "profiles/x.yaml:" + mistake.says)
    }

    @Test func `all mistakes of a file are found at once, each once`() throws {
        let text = """
            description: x
            imgae: host
            syscalls: {policy: [base, base]}
            limits:
              memory: 64MB
              pids: 0
              cpus: 1
            network: {mode: prxy, allow: [x]}
            require: [secomp]
            """
        let (file, errors) = ProfileFile.read(Array(text.utf8), file: "x.yaml")
        #expect(file?.layer[.cpus]?.value == .number(1000))
        #expect(
            errors.map(\.key) == [
                "imgae", "syscalls.policy[1]", "limits.memory", "limits.pids", "network.mode",
                "network.allow[0]", "require[0]",
            ])
        #expect(errors.map(\.line) == [2, 3, 5, 6, 8, 8, 9])
        let (none, broken) = ProfileFile.read(Array("a: [".utf8), file: "x.yaml")
        #expect(none == nil && broken.count == 1)
    }

    @Test func `ten megabytes are refused before they are read as YAML`() {
        let error = #expect(throws: ConfigError.self) {
            try Profile.decode([UInt8](repeating: 0x61, count: 10 << 20), file: "x.yaml")
        }
        #expect(error?.problem == "is 10485760 bytes long; expected at most 262144")
    }
}

let minimalProfile = """
    description: x
    image: host
    syscalls: {policy: [base]}
    limits:
      memory: 64MiB
      pids: 8
      cpus: 0.5
      workspace: 1MiB
    require: [seccomp]

    """
