package import Wire

/// The API as an OpenAPI 3.1 document, made of the same tables that the server checks requests with.
package enum OpenAPI {
    package static func document(version: String) -> JSONText {
        JSONText.object { document in
            document.add("openapi", "3.1.0")
            document.object("info") { info in
                info.add("title", "Corral")
                info.add("version", version)
                info.add("description", "Sessions of sandboxed processes, over a unix socket.")
            }
            document.object("paths") { paths in
                var written: [String] = []
                for route in APIRoute.all where !written.contains(route.path) {
                    written.append(route.path)
                    paths.object(route.path) { path in
                        for route in APIRoute.all.filter({ $0.path == route.path }) {
                            path.object(route.method.rawValue.lowercased()) { write(route, to: &$0) }
                        }
                    }
                }
            }
            document.object("components") { components in
                components.object("schemas") { schemas in
                    for object in objects { schemas.object(object.name) { write(object, to: &$0) } }
                }
            }
        }
    }

    /// Every object that a route names, and those inside them, by name.
    package static var objects: [APIObject] {
        var found: [APIObject] = []
        func add(_ object: APIObject) {
            if found.contains(where: { $0.name == object.name }) { return }
            found.append(object)
            for field in object.fields { add(in: field.kind) }
        }
        func add(in kind: APIField.Kind) {
            switch kind {
            case .object(let object): add(object)
            case .list(let inner, _): add(in: inner)
            default: break
            }
        }
        add(.failure)
        add(.event)
        add(.fileEvent)
        for route in APIRoute.all {
            if let request = route.request { add(request) }
            if case .object(let object) = route.answer { add(object) }
        }
        return found.sorted { $0.name < $1.name }
    }

    // MARK: Operations

    private static func write(_ route: APIRoute, to operation: inout JSONObjectWriter) {
        operation.add("operationId", route.name)
        operation.add("summary", route.summary)
        if !route.parameters.isEmpty || !route.query.isEmpty {
            operation.array("parameters") { list in
                for name in route.parameters { list.object { write(pathParameter: name, to: &$0) } }
                for field in route.query { list.object { write(query: field, to: &$0) } }
            }
        }
        if let request = route.request {
            operation.object("requestBody") { body in
                body.add("required", request.fields.contains(where: \.isRequired))
                content(of: "application/json", reference(request), in: &body)
            }
        }
        if route.takesBytes {
            operation.object("requestBody") { body in
                body.add("required", false)
                content(of: "application/octet-stream", typed("string"), in: &body)
            }
        }
        operation.object("responses") { responses in
            responses.object("\(route.status)") { write(route.answer, to: &$0) }
            responses.object("default") { failure in
                failure.add("description", "Refused, or failed")
                content(of: "application/json", reference(.failure), in: &failure)
            }
        }
    }

    private static func write(pathParameter name: String, to parameter: inout JSONObjectWriter) {
        parameter.add("name", name)
        parameter.add("in", "path")
        parameter.add("required", true)
        let isNamed = ["workspace", "snapshot"].contains(name)
        parameter.add(
            "description",
            isNamed ? "its name" : "an id, a beginning of one that only this \(name) has, or a name")
        parameter.object("schema") { $0.add("type", "string") }
    }

    private static func write(query field: APIField, to parameter: inout JSONObjectWriter) {
        parameter.add("name", field.name)
        parameter.add("in", "query")
        parameter.add("required", field.isRequired)
        parameter.add("description", field.meaning)
        parameter.object("schema") { write(field.kind, to: &$0) }
    }

    private static func write(_ answer: APIRoute.Answer, to response: inout JSONObjectWriter) {
        switch answer {
        case .object(let object):
            response.add("description", object.meaning)
            content(of: "application/json", reference(object), in: &response)
        case .empty: response.add("description", "Done")
        case .events:
            response.add("description", "Server-sent events, each with an Event as its data")
            content(of: "text/event-stream", typed("string"), in: &response)
        case .fileEvents:
            response.add("description", "Server-sent events, each with a FileEvent as its data")
            content(of: "text/event-stream", typed("string"), in: &response)
        case .metrics:
            response.add("description", "Samples, in the format that `Accept` prefers")
            response.object("content") { content in
                for type in ["text/plain", "application/openmetrics-text"] {
                    content.object(type) { $0.add("schema", typed("string")) }
                }
            }
        case .bytes:
            response.add("description", "The bytes as they were written")
            content(of: "application/octet-stream", typed("string"), in: &response)
        case .upgrade: response.add("description", "Switches to corral-attach/1")
        }
    }

    private static func content(of type: String, _ schema: JSONText, in object: inout JSONObjectWriter) {
        object.object("content") { content in content.object(type) { $0.add("schema", schema) } }
    }

    private static func reference(_ object: APIObject) -> JSONText {
        JSONText.object { $0.add("$ref", "#/components/schemas/\(object.name)") }
    }

    private static func typed(_ type: String) -> JSONText { JSONText.object { $0.add("type", type) } }
}
