// The tables themselves: what is in them can be told apart, found and documented.

import TestSupport
import Testing
import Wire

@testable import API

struct TableTests {
    @Test func `operations, paths and objects have one meaning each`() {
        let routes = APIRoute.all
        #expect(Set(routes.map(\.name)).count == routes.count)
        #expect(Set(routes.map { "\($0.method.rawValue) \($0.path)" }).count == routes.count)
        for route in routes {
            #expect(route.path.hasPrefix("/v1/"), "\(route.name)")
            #expect(route.path.utf8.allSatisfy { $0 != UInt8(ascii: " ") })
            #expect(Set(route.query.map(\.name)).isDisjoint(with: route.parameters))
        }
        for object in OpenAPI.objects {
            #expect(Set(object.fields.map(\.name)).count == object.fields.count, "\(object.name)")
            #expect(object.fields.allSatisfy { !$0.meaning.isEmpty })
        }
    }

    /// Two objects of one name would hide one another in the document.
    @Test func `objects of one name are one object`() {
        func all(_ object: APIObject) -> [APIObject] {
            [object] + object.fields.flatMap { field in inner(field.kind) }
        }
        func inner(_ kind: APIField.Kind) -> [APIObject] {
            switch kind {
            case .object(let object): all(object)
            case .list(let element, _): inner(element)
            default: []
            }
        }
        for object in OpenAPI.objects.flatMap(all) {
            let listed = OpenAPI.objects.first { $0.name == object.name }
            #expect(listed?.fields.map(\.name) == object.fields.map(\.name), "\(object.name)")
        }
    }

    @Test func `the requests that every operation of a tenant's object is asked with pass its table`() throws
    {
        let routes = APIRoute.all.filter(\.isAboutOneOfATenant)
        #expect(routes.count > 30 && !routes.contains { $0.name == "createSession" || $0.name == "health" })
        let names: KeyValuePairs = ["session": "a", "workspace": "b", "process": "c", "snapshot": "d"]
        for route in routes {
            let path = route.path(of: names)
            #expect(!path.contains("{"), "\(path)")
            for field in route.query where field.isRequired {
                #expect(path.contains("\(field.name)=f"), "\(path)")
            }
            #expect(route.takesBytes == (route.passingBody == "x"), "\(route.name)")
            if let object = route.request {
                _ = try APIReader(Array(try #require(route.passingBody).utf8), as: object)
            } else if !route.takesBytes {
                #expect(route.passingBody == nil, "\(route.name)")
            }
        }
        let diff = try #require(routes.first { $0.name == "diffWorkspace" })
        #expect(diff.path(of: names, query: ["tenant=t"]) == "/v1/workspaces/b/diff?from=f&to=f&tenant=t")
        let upgrades = routes.filter { !$0.upgradeLines.isEmpty }.map(\.name)
        #expect(upgrades == ["execAttached", "attach"])
    }

    /// The file in the project is what the tables say. CORRAL_GOLDEN=write writes it.
    @Test func `docs openapi json is made of the tables`() throws {
        let document = OpenAPI.document(version: "1").description
        let formatted = try Python.run(
            "import json, sys\nprint(json.dumps(json.load(sys.stdin), indent=1, ensure_ascii=False))",
            input: Array(document.utf8))
        let path = Repository.path("docs/openapi.json")
        if Program.ownEnvironment["CORRAL_GOLDEN"] == "write" { try File.write(formatted, to: path) }
        #expect(try File.read(path) == formatted)
    }

    /// Every reference leads somewhere, and every operation can fail in the one shape.
    @Test func `the document refers to nothing that it does not have`() throws {
        let script = """
            import json, sys
            document = json.load(sys.stdin)
            schemas = document["components"]["schemas"]
            used = set()
            def walk(value):
                if isinstance(value, dict):
                    for key, inner in value.items():
                        if key == "$ref": used.add(inner.rsplit("/", 1)[1])
                        else: walk(inner)
                elif isinstance(value, list):
                    for inner in value: walk(inner)
            walk(document)
            assert used <= set(schemas), used - set(schemas)
            assert set(schemas) - used <= {"Event", "FileEvent", "Error"}, set(schemas) - used
            for path in document["paths"].values():
                for operation in path.values():
                    assert "default" in operation["responses"] and operation["summary"]
            print(len(used))
            """
        let count = try Python.run(script, input: OpenAPI.document(version: "1").bytes)
        #expect(Int(String(decoding: count, as: UTF8.self).split(separator: "\n")[0]) ?? 0 > 15)
    }
}

/// Python as the judge.
enum Python {
    static func run(_ script: String, input: [UInt8]) throws -> [UInt8] {
        let outcome = try Program(["/usr/bin/python3", "-ISc", script], input: input).start().wait(
            timeout: 60)
        guard outcome.status == 0 else { throw Problem(text: outcome.errors) }
        return Array(outcome.output.utf8)
    }

    struct Problem: Error { let text: String }
}
