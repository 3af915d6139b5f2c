import Sandbox
import TestSupport
import Testing
import Wire

@testable import Commands

/// What is generated from the table of keys.
@Suite struct ProfileSchemaTests {
    @Test func `the shipped schema is what is generated`() throws {
        let shipped = String(
            decoding: try File.read(Repository.path("profiles/profile.schema.json")), as: UTF8.self)
        #expect(shipped == ProfileSchema.text + "\n", "corral profile schema >profiles/profile.schema.json")
    }

    @Test func `the reference in the documentation is what is generated`() throws {
        let page = String(decoding: try File.read(Repository.path("docs/profiles.md")), as: UTF8.self)
        #expect(page.contains("\n\(ProfileReference.table)\n"), "corral profile schema --reference")
        for layer in Layer.allCases { #expect(page.contains("`\(layer.rawValue)`"), "\(layer)") }
    }

    @Test func `indented JSON is the same JSON`() throws {
        let text = JSONText.object { object in
            object.add("a {[\",:\\", "x\\\"{")
            object.array("empty") { _ in }
            object.object("none") { _ in }
            object.array("list") { list in
                list.add(1)
                list.object { $0.add("b", true) }
            }
        }
        let indented = IndentedJSON.text(text)
        #expect(indented.split(separator: "\n").count == 11)
        #expect(
            plain(try JSONTree(parsing: Array(indented.utf8))) == plain(try JSONTree(parsing: text.bytes)))
        #expect(plain(try JSONTree(parsing: text.bytes)).contains("\"empty\":[]"))
    }

    /// A value without its places in the text.
    private func plain(_ tree: JSONTree) -> String {
        switch tree.value {
        case .object(let members):
            "{" + members.map { "\($0.key.debugDescription):\(plain($0.value))" }.joined(separator: ",") + "}"
        case .array(let items): "[" + items.map { plain($0) }.joined(separator: ",") + "]"
        case .string(let text): text.debugDescription
        case let other: "\(other)"
        }
    }

    private static let python = "/usr/bin/python3"

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

    /// - Returns: the number of mistakes in each file; nil where Python lacks the packages.
    private func mistakes(in files: [String]) throws -> [Int]? {
        let schema = Repository.path("profiles/profile.schema.json")
        let outcome = try Program.run([Self.python, "-c", Self.check, schema] + files)
        if outcome.status == 77 { return nil }
        try #require(outcome.status == 0, "\(outcome.errors)")
        return outcome.output.split(separator: "\n").compactMap { Int($0) }
    }

    @Test func `every shipped profile conforms to the schema`() throws {
        let files = File.names(in: Repository.path("profiles")).filter { $0.hasSuffix(".yaml") }
        guard let found = try mistakes(in: files.map { Repository.path("profiles/\($0)") }) else {
            return Host.skip("python3-jsonschema or python3-yaml is not installed")
        }
        #expect(files.count == 6 && found == Array(repeating: 0, count: files.count))
    }

    /// Right and wrong alike: what the decoder says of a value the schema says, too.
    @Test func `the schema and the decoder agree on values`() throws {
        let lines: [(text: String, isRight: Bool)] = [
            ("limits: {memory: 64MiB}", true), ("limits: {memory: 67108864}", true),
            ("limits: {memory: 64MB}", false), ("limits: {memory: 1}", false), ("limits: {pids: 8}", true),
            ("limits: {pids: 0}", false), ("limits: {pids: many}", false), ("limits: {cpus: 0.5}", true),
            ("limits: {pid: 8}", false), ("lifetime: {timeout: none}", true),
            ("lifetime: {timeout: 30s}", true),
            ("lifetime: {timeout: 30}", false), ("output: {limit: 1MiB}", true),
            ("output: {limit: none}", true),
            ("swap: 0", false), ("network: {mode: none}", true), ("network: {mode: open}", false),
            ("network: {mode: proxy, allow: [\"*:443\"]}", true),
            ("network: {mode: proxy, allow: [x]}", false),
            ("landlock: {tcp: {bind: any, connect: [80, 443]}}", true),
            ("landlock: {tcp: {bind: [80, 80]}}", false), ("landlock: {tcp: {connect: [0]}}", false),
            ("filesystem: {root: writable}", false), ("filesystem: {workspace: read_only}", true),
            ("syscalls: {policy: [base, unix]}", true), ("syscalls: {policy: [Base]}", false),
            ("environment: {A: b, C: 3.10, D: true}", true), ("environment: {A-B: c}", false),
            ("require: [seccomp]", true), ("require: [secomp]", false), ("require: [pids, pids]", false),
            ("locked: [network, limits.memory, environment.A]", true), ("locked: [netwrok]", false),
            ("extends: ./x.yaml", true), ("extends: Base", false), ("image: host", true),
            ("image: a/b", false),
        ]
        let directory = try TemporaryDirectory()
        var files: [String] = []
        for (index, line) in lines.enumerated() {
            files.append(try directory.write("p\(index).yaml", "description: x\n\(line.text)\n"))
            let (_, errors) = ProfileFile.read(Array("description: x\n\(line.text)\n".utf8), file: "x.yaml")
            #expect(errors.isEmpty == line.isRight, "\(line.text)")
        }
        guard let found = try mistakes(in: files) else {
            return Host.skip("python3-jsonschema or python3-yaml is not installed")
        }
        for (line, count) in zip(lines, found) { #expect((count == 0) == line.isRight, "\(line.text)") }
        #expect(found.count == lines.count)
    }
}
