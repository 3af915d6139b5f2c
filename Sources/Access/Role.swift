package import Sandbox

/// What a caller may do, from least to most.
package enum Role: String, CaseIterable, Hashable, Sendable {
    /// Sees what there is, not what is in it.
    case viewer
    /// Does everything with what its tenant has.
    case client
    /// Sees everything of every tenant and ends it; begins only what is its own tenant's.
    case `operator`
    /// Everything.
    case admin

    /// The role of that name.
    package init(named text: String) throws(ValueError) {
        guard let role = Role(rawValue: text) else {
            let names = Role.allCases.map(\.rawValue)
            let cure = suggestion(for: text, in: names) ?? "expected one of \(names.joined(separator: ", "))"
            throw ValueError("\(quoted(text)) is not a role; \(cure)")
        }
        self = role
    }

    /// How far a right of a role goes.
    package enum Reach: String, Hashable, Sendable {
        case none
        /// What the caller's tenant has.
        case own
        case all
    }

    package func reach(_ right: Right) -> Reach {
        switch (self, right) {
        case (_, .open): .all
        case (.admin, _): .all
        case (.operator, .look), (.operator, .contents), (.operator, .end), (.operator, .node): .all
        case (.operator, .use): .own
        case (.client, .look), (.client, .contents), (.client, .use), (.client, .end): .own
        case (.viewer, .look): .own
        case (.client, .node), (.viewer, .node), (.viewer, .contents), (.viewer, .use), (.viewer, .end): .none
        case (.operator, .administer), (.client, .administer), (.viewer, .administer): .none
        }
    }
}

/// What an operation of the API asks of its caller.
package enum Right: String, CaseIterable, Hashable, Sendable {
    /// Nothing; a token only where everything takes one.
    case open
    /// To see that something is there, its state and its figures.
    case look
    /// To read what it holds: output, files.
    case contents
    /// To make it, and to do something with it.
    case use
    /// To end or remove it.
    case end
    /// To see what concerns the node as a whole.
    case node
    /// To change who may do what.
    case administer
}

extension Right {
    /// What the operation of that name asks (`operationId`); nil for one that nobody may call because nobody said
    /// who may.
    package init?(operation: String) {
        guard let right = Self.operations[operation] else { return nil }
        self = right
    }

    package static var namedOperations: [String] { operations.keys.sorted() }

    /// Every operation of the API has a line here, or cannot be called.
    private static let operations: [String: Right] = [
        "health": .open,
        "info": .look, "metrics": .look, "listProfiles": .look, "listImages": .look, "events": .look,
        "createTenant": .administer, "listTenants": .look, "inspectTenant": .look, "setTenant": .administer,
        "removeTenant": .administer, "listQuotas": .look, "usage": .look, "setQuotas": .administer,
        "resetQuota": .administer,
        "createToken": .administer, "listTokens": .node, "revokeToken": .administer,
        "listAudit": .look, "verifyAudit": .node,
        "createSession": .use, "listSessions": .look, "inspectSession": .look, "removeSession": .end,
        "renewSession": .use, "pauseSession": .use, "resumeSession": .use,
        "killSession": .end, "waitForSession": .look, "sessionStatistics": .look,
        "exec": .use, "execAttached": .use, "startProcess": .use, "listProcesses": .look,
        "inspectProcess": .look, "signalProcess": .use, "stopProcess": .end,
        "writeInput": .use, "resizeTerminal": .use, "logs": .contents,
        "offsets": .contents, "attach": .use,
        "listFiles": .contents, "statFile": .contents, "readFile": .contents, "archiveFiles": .contents,
        "watchFiles": .contents,
        "writeFile": .use, "unpackFiles": .use, "makeDirectory": .use, "moveFile": .use, "copyFile": .use,
        "removeFile": .use,
        "createVolume": .administer, "listVolumes": .node, "removeVolume": .administer,
        "resizeVolume": .administer,
        "createWorkspace": .use, "listWorkspaces": .look, "inspectWorkspace": .look, "removeWorkspace": .end,
        "resizeWorkspace": .use, "forkWorkspace": .use, "restoreWorkspace": .use,
        "createSnapshot": .use, "listSnapshots": .look, "removeSnapshot": .end, "diffWorkspace": .contents,
        "listWorkspaceFiles": .contents, "statWorkspaceFile": .contents, "readWorkspaceFile": .contents,
        "archiveWorkspaceFiles": .contents, "watchWorkspaceFiles": .contents,
        "writeWorkspaceFile": .use, "unpackWorkspaceFiles": .use, "makeWorkspaceDirectory": .use,
        "moveWorkspaceFile": .use, "copyWorkspaceFile": .use, "removeWorkspaceFile": .use,
    ]
}
