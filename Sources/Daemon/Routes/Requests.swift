import API
import Sandbox
import Service
import Sessions

// From requests to values.

extension SessionSpec {
    /// - Parameters:
    ///   - reader: of a SessionRequest.
    ///   - usual: the profile of a request that names none.
    ///   - tenant: whose it is.
    init(_ reader: APIReader, profile usual: String, of tenant: Name) throws(FieldProblem) {
        let labels = try labelled("labels") { () throws(ValueError) in
            var labels: [Label] = []
            for (key, value) in reader.map("labels") ?? [] {
                labels.append(try Label(key: key, value: value))
            }
            return try Labels(labels)
        }
        let name = try named("name", reader)
        let profile = reader.text("profile") ?? usual
        let key = try labelled("idempotency_key") { () throws(ValueError) in
            guard let text = reader.text("idempotency_key") else { return IdempotencyKey?.none }
            return try IdempotencyKey(text)
        }
        for (field, text) in [("profile", profile), ("image", reader.text("image") ?? "x")] {
            try labelled(field) { () throws(ValueError) in try checkSimpleName(text) }
        }
        self = try labelled("") { () throws(ValueError) in
            try SessionSpec(
                profile: profile, name: name, image: reader.text("image"), tenant: tenant, labels: labels,
                ttl: reader.whole("ttl"), idle: reader.whole("idle"), max: reader.whole("max"),
                isPersistent: reader.flag("persistent") ?? false, idempotencyKey: key)
        }
        for (field, limit) in [("ttl", Lifespan.Limit.ttl), ("idle", .idle), ("max", .max)]
        where reader.isNull(field) {
            without.insert(limit)
        }
        workspace = try sessionWorkspace(reader)
        let outlives = workspace.outlivesSession
        if let said = reader.flag("persistent"), said != outlives {
            throw FieldProblem(
                "persistent",
                said
                    ? "what outlives a session is a workspace with a name of its own"
                    : "the workspace \(workspace.name?.description ?? "of the host") outlives the session",
                hint: said ? "make one, and name it with workspace" : "leave it out")
        }
        isPersistent = outlives
        var variables: [EnvironmentVariable] = []
        for (name, value) in reader.map("env") ?? [] {
            guard !name.isEmpty, !name.utf8.contains(UInt8(ascii: "=")) else {
                throw FieldProblem("env", "\(quoted(name)) is no name of a variable")
            }
            variables.append(EnvironmentVariable(name: name, value: value))
        }
        try labelled("env") { () throws(ValueError) in try setEnvironment(variables) }
        if let limits = reader.object("limits") { setLimits(limitOverrides(limits)) }
    }
}

/// - Parameter reader: of a SessionRequest.
private func sessionWorkspace(_ reader: APIReader) throws(FieldProblem) -> SessionWorkspace {
    let name = try named("workspace", reader)
    let isShared = reader.flag("workspace_shared")
    if isShared != nil, name == nil {
        throw FieldProblem(
            "workspace_shared", "a workspace of the session's own is shared with nobody",
            hint: "name one with workspace")
    }
    if let path = reader.text("directory") {
        if name != nil {
            throw FieldProblem(
                "directory", "a session has one workspace", hint: "leave workspace out, or directory")
        }
        try labelled("directory") { () throws(ValueError) in try checkPath(path) }
        return .directory(path, reader.object("quota").map { WorkspaceQuota($0) })
    }
    guard let quota = reader.object("quota") else {
        return name.map { .named($0, isShared: isShared ?? false) } ?? .memory
    }
    if let name {
        throw FieldProblem(
            "quota", "the workspace \(name) has limits of its own", hint: "leave it out, or resize that")
    }
    return .volume(WorkspaceQuota(quota))
}

extension WorkspaceQuota {
    /// - Parameter reader: of an object with `bytes`, `inodes` and `soft`.
    init(_ reader: APIReader) {
        self.init(
            bytes: reader.whole("bytes"), inodes: reader.whole("inodes"),
            allowsSoft: reader.flag("soft") ?? false)
    }
}

func named(_ field: String, _ reader: APIReader) throws(FieldProblem) -> Name? {
    guard let text = reader.text(field) else { return nil }
    return try labelled(field) { () throws(ValueError) in try Name(text) }
}

/// What is wrong with a value, with the member it is in.
func labelled<Value>(_ field: String, _ body: () throws(ValueError) -> Value) throws(FieldProblem)
    -> Value
{
    do throws(ValueError) {
        return try body()
    } catch {
        throw FieldProblem(field, error.problem)
    }
}

private func limitOverrides(_ limits: APIReader) -> [ProfileOverride] {
    var found: [ProfileOverride] = []
    if let bytes = limits.whole("memory") { found.append(.memory(bytes)) }
    if let count = limits.whole("pids") { found.append(.pids(UInt32(clamping: count))) }
    if let thousandths = limits.whole("cpus") { found.append(.cpus(UInt32(clamping: thousandths))) }
    if let time = limits.whole("cpu_time") { found.append(.cpuTime(time)) }
    if limits.isNull("cpu_time") { found.append(.cpuTime(nil)) }
    if let count = limits.whole("open_files") { found.append(.openFiles(UInt32(clamping: count))) }
    if let bytes = limits.whole("file_size") { found.append(.fileSize(bytes)) }
    if let bytes = limits.whole("output") { found.append(.outputLimit(bytes)) }
    if limits.isNull("output") { found.append(.outputLimit(nil)) }
    return found
}

extension RestartPolicy {
    /// - Parameter reader: of a ProcessRequest.
    init(_ reader: APIReader) {
        let mode = reader.text("restart").flatMap { Mode(rawValue: $0) } ?? .no
        self.init(mode, most: reader.whole("restarts").map { Int(clamping: $0) } ?? Self.usualMost)
    }
}

/// The query of a request, checked against the table of its operation.
struct QueryReader {
    private let query: [String: String]

    init(_ request: Request, _ fields: [APIField]) throws(ServiceError) {
        query = request.query
        for field in fields {
            guard let text = query[field.name] else { continue }
            guard QueryReader.fits(text, field.kind) else {
                throw ServiceError(
                    .invalid,
                    "\(field.name): \(field.kind.expectation) was expected, and this is \(quoted(text))",
                    field: field.name)
            }
        }
    }

    private static func fits(_ text: String, _ kind: APIField.Kind) -> Bool {
        switch kind {
        case .text(let most): text.utf8.count <= most
        case .word(let words): words.contains(text)
        case .whole(let range): UInt64(text).map(range.contains) ?? false
        case .flag: ["true", "false", "1", "0", ""].contains(text)
        case .time: APITime(text) != nil
        default: true
        }
    }

    func text(_ name: String) -> String? { query[name] }
    func whole(_ name: String) -> UInt64? { query[name].flatMap { UInt64($0) } }
    /// `?force` is `?force=true`.
    func flag(_ name: String) -> Bool { query[name].map { $0 != "false" && $0 != "0" } ?? false }
    func time(_ name: String) -> APITime? { query[name].flatMap { APITime($0) } }
}

extension Request {
    /// The members of the body, checked against `object`; an empty body is an empty object.
    func reader(_ object: APIObject) throws(ServiceError) -> APIReader {
        var bytes: [UInt8] = []
        if case .bytes(let given) = body { bytes = given }
        do throws(FieldProblem) {
            return try APIReader(bytes.isEmpty ? Array("{}".utf8) : bytes, as: object)
        } catch {
            throw ServiceError(error)
        }
    }

    /// The body as it came, for the record.
    var bodyBytes: [UInt8] {
        if case .bytes(let given) = body, !given.isEmpty { return given }
        return Array("{}".utf8)
    }
}
