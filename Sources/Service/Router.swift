/// Finds the endpoint that a request is for.
package struct Router: Sendable {
    package enum Resolution: Hashable, Sendable {
        /// The endpoint's place in the table, and the values of the pattern's parameters.
        case found(Int, [String: String])
        /// The path is known, the method is not: those that are, for the header `Allow`.
        case otherMethods([String])
        case nothing
    }

    private struct Entry: Sendable {
        let segments: [Endpoint.Segment]
        let method: String
        let index: Int
    }

    /// By the number of segments; literals before parameters.
    private var entries: [Int: [Entry]] = [:]

    package init(_ endpoints: [Endpoint]) {
        for (index, endpoint) in endpoints.enumerated() {
            let segments = endpoint.segments
            entries[segments.count, default: []].append(
                Entry(segments: segments, method: endpoint.method.rawValue, index: index))
        }
        for count in entries.keys {
            entries[count]?.sort { rank($0.segments).lexicographicallyPrecedes(rank($1.segments)) }
        }
    }

    /// - Parameter method: as it was sent. What has GET has HEAD as well.
    package func resolve(_ method: String, _ segments: [String]) -> Resolution {
        let wanted = method == "HEAD" ? "GET" : method
        var methods: Set<String> = []
        for entry in entries[segments.count] ?? [] {
            guard let parameters = match(entry.segments, segments) else { continue }
            if entry.method == wanted { return .found(entry.index, parameters) }
            methods.insert(entry.method)
        }
        if methods.isEmpty { return .nothing }
        if methods.contains("GET") { methods.insert("HEAD") }
        return .otherMethods(methods.union(["OPTIONS"]).sorted())
    }

    /// What makes a table ambiguous or wrong, one sentence each; none for a table that can be used.
    package static func problems(in endpoints: [Endpoint]) -> [String] {
        var found: [String] = []
        var shapes: Set<String> = []
        var names: Set<String> = []
        for endpoint in endpoints {
            let shape = endpoint.segments.map { segment in
                if case .literal(let text) = segment { text } else { "{}" }
            }
            if !shapes.insert("\(endpoint.method.rawValue) \(shape.joined(separator: "/"))").inserted {
                found.append("\(endpoint.method.rawValue) \(endpoint.path) is there twice")
            }
            if !names.insert(endpoint.name).inserted {
                found.append("the name \(endpoint.name) is there twice")
            }
            if !endpoint.path.hasPrefix("/") || (endpoint.path.count > 1 && endpoint.path.hasSuffix("/")) {
                found.append("\(endpoint.path) must begin with a slash and not end with one")
            }
            let parameters = endpoint.segments.compactMap { segment -> String? in
                if case .parameter(let name) = segment { name } else { nil }
            }
            if Set(parameters).count != parameters.count {
                found.append("\(endpoint.path) has a parameter twice")
            }
        }
        return found
    }
}

private func rank(_ segments: [Endpoint.Segment]) -> [Int] {
    segments.map { segment in
        if case .literal = segment { 0 } else { 1 }
    }
}

private func match(_ pattern: [Endpoint.Segment], _ segments: [String]) -> [String: String]? {
    var parameters: [String: String] = [:]
    for (part, segment) in zip(pattern, segments) {
        switch part {
        case .literal(let text): if text != segment { return nil }
        case .parameter(let name): parameters[name] = segment
        }
    }
    return parameters
}
