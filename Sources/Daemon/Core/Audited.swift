/// Which operations are answered for later, and what the records call them.
enum Audited {
    /// By the operation's name in the API.
    static let names = [
        "createSession": "session.create", "removeSession": "session.remove",
        "renewSession": "session.renew", "pauseSession": "session.pause", "resumeSession": "session.resume",
        "killSession": "session.kill", "exec": "process.exec", "execAttached": "process.exec-attached",
        "startProcess": "process.start", "signalProcess": "process.signal", "stopProcess": "process.stop",
        "attach": "process.attach", "writeFile": "file.write", "unpackFiles": "file.unpack",
        "makeDirectory": "file.mkdir",
        "createTenant": "tenant.create", "setTenant": "tenant.set", "removeTenant": "tenant.remove",
        "createToken": "token.create", "revokeToken": "token.revoke",
        "setQuotas": "quota.set", "resetQuota": "quota.reset",
        "createVolume": "volume.create", "removeVolume": "volume.remove",
        "resizeVolume": "volume.resize",
        "createWorkspace": "workspace.create", "removeWorkspace": "workspace.remove",
        "resizeWorkspace": "workspace.resize", "forkWorkspace": "workspace.fork",
        "restoreWorkspace": "workspace.restore", "createSnapshot": "snapshot.create",
        "removeSnapshot": "snapshot.remove",
        "moveFile": "file.move", "copyFile": "file.copy", "removeFile": "file.remove",
        "writeWorkspaceFile": "workspace-file.write", "unpackWorkspaceFiles": "workspace-file.unpack",
        "makeWorkspaceDirectory": "workspace-file.mkdir", "moveWorkspaceFile": "workspace-file.move",
        "copyWorkspaceFile": "workspace-file.copy", "removeWorkspaceFile": "workspace-file.remove",
    ]

    /// What passes through an open process is no deed of its own, as what an attached client sends is none.
    static let exempt = ["writeInput", "resizeTerminal"]
    private static let exemptWords = ["writeInput": "process.input", "resizeTerminal": "process.resize"]

    /// What is done as soon as it is asked for, without a state of ours that would be recorded first: these have
    /// their record before anything else.
    static let acting: Set<String> = [
        "signalProcess", "attach", "writeFile", "unpackFiles", "makeDirectory", "moveFile", "copyFile",
        "removeFile", "writeWorkspaceFile", "unpackWorkspaceFiles", "makeWorkspaceDirectory",
        "moveWorkspaceFile", "copyWorkspaceFile", "removeWorkspaceFile",
    ]

    /// What a record calls an operation. Those without a name of their own are on record where they are refused.
    static func word(_ operation: String) -> String {
        names[operation] ?? exemptWords[operation] ?? "read.\(operation)"
    }
}
