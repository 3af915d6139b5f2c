// Requests that an operation's own table lets pass: for whoever asks every operation, and wants to hear of the object
// that it is about and of nothing else. Tests of who may ask do, and the benchmark of what refusals tell by their time.

extension APIRoute {
    /// Whether it is about one session or one workspace.
    package var isAboutOneOfATenant: Bool {
        !Set(parameters).isDisjoint(with: ["session", "workspace"])
    }

    /// Path and query, with names in the place of parameters; those that are not given stay as they are.
    ///
    /// - Parameters:
    ///   - names: by parameter.
    ///   - query: more of it.
    package func path(of names: KeyValuePairs<String, String>, query more: [String] = []) -> String {
        var path = path
        for (parameter, name) in names { path = path.replacing("{\(parameter)}", with: name) }
        let query = query.filter { ["path", "from", "to"].contains($0.name) }.map { "\($0.name)=f" } + more
        return query.isEmpty ? path : "\(path)?\(query.joined(separator: "&"))"
    }

    /// A body that passes; nil where the operation takes none.
    package var passingBody: String? {
        switch name {
        case "exec", "execAttached", "startProcess": #"{"argv":["/bin/true"]}"#
        case "signalProcess": #"{"signal":"TERM"}"#
        case "resizeTerminal": #"{"columns":80,"rows":24}"#
        case "createSnapshot": #"{"name":"s"}"#
        case "restoreWorkspace": #"{"snapshot":"s"}"#
        case "forkWorkspace": #"{"name":"other"}"#
        case "resizeWorkspace": #"{"bytes":1048576}"#
        case "makeDirectory", "removeFile", "makeWorkspaceDirectory", "removeWorkspaceFile":
            request.map { _ in #"{"path":"d"}"# }
        case "moveFile", "copyFile", "moveWorkspaceFile", "copyWorkspaceFile": #"{"from":"a","to":"b"}"#
        default: takesBytes ? "x" : request.map { _ in "{}" }
        }
    }

    /// Lines of the head that ask for the protocol behind it; none where there is none.
    package var upgradeLines: [String] {
        if case .upgrade = answer { ["Connection: Upgrade", "Upgrade: corral-attach/1"] } else { [] }
    }
}
