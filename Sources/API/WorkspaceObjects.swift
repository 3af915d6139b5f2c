// The objects of workspaces that outlive sessions, as clients write and read them.

extension APIField.Kind {
    static let quotaBytes = APIField.Kind.whole(1...UInt64.max)
    static let quotaInodes = APIField.Kind.whole(1...UInt64.max)
    static let key = APIField.Kind.text(most: 128)
}

extension APIObject {
    private static let limitsOfNew: [APIField] = [
        APIField("inodes", .quotaInodes, "files, directories and links of all kinds"),
        APIField(
            "soft", .flag,
            "whether limits that nothing here enforces will do; they are shown as not enforced"),
    ]

    package static let quotaRequest = APIObject(
        "QuotaRequest", "The most that a workspace may hold, which the kernel has to refuse to exceed.",
        [.required("bytes", .quotaBytes, "bytes, metadata that the driver counts as such included")]
            + limitsOfNew)

    package static let workspaceRequest = APIObject(
        "WorkspaceRequest", "A workspace to make, which outlives sessions.",
        [
            .required("name", .name, "unique among the tenant's"),
            APIField("bytes", .quotaBytes, "the most that it may hold; required but with adopt"),
        ] + limitsOfNew + [
            APIField("tenant", .name, "the caller's own where it is left out"),
            APIField("adopt", .flag, "whether to make a record of a volume that has none, as it is"),
            APIField(
                "importing", .flag,
                "whether it is `ready` only when an archive has been unpacked into it, and is removed when that fails"
            ),
            APIField(
                "idempotency_key", .key, "a second request with the same key gets the first one's workspace"),
        ])

    package static let forkRequest = APIObject(
        "ForkRequest", "A workspace to make that begins with what another one holds.",
        [
            .required("name", .name, "of the new one"),
            APIField("snapshot", .name, "of the other one; as it is now where it is left out"),
            APIField("bytes", .quotaBytes, "the other one's where it is left out"),
        ] + limitsOfNew + [
            APIField(
                "idempotency_key", .key, "a second request with the same key gets the first one's workspace")
        ])

    package static let resizeWorkspaceRequest = APIObject(
        "ResizeWorkspaceRequest", "Limits to change: one of them at least, and not to less than is used.",
        [
            APIField("bytes", .quotaBytes, "the most bytes"),
            APIField("inodes", .quotaInodes, "the most files, directories and links"),
        ])

    package static let snapshotRequest = APIObject(
        "SnapshotRequest", "A snapshot to make.",
        [.required("name", .name, "unique among the workspace's")])

    package static let restoreRequest = APIObject(
        "RestoreRequest", "What a workspace is to hold again.",
        [.required("snapshot", .name, "of this workspace")])

    /// What the table of workspaces calls their states.
    package static let workspaceStates = [
        "creating", "ready", "resizing", "restoring", "removing", "importing", "lost", "unrecorded",
    ]

    package static let workspace = APIObject(
        "Workspace", "A workspace as it is now.",
        [
            .required("name", .name, "as it was asked for"), .required("tenant", .name, "whose it is"),
            .required("state", .word(workspaceStates), "how far it is"),
            APIField(
                "progress", .object(progress), "of the copy that becomes it, or that it is put back from"),
            APIField("bytes", .count, "the most that it may hold; absent for no limit"),
            APIField("inodes", .count, "the most files, directories and links; absent for no limit"),
            APIField("soft", .flag, "whether limits that nothing enforces will do"),
            .required(
                "bytes_enforced", .text(most: 4096),
                "`enforced`, `not enforced` with the reason, or `none` for no limit; `unknown` before the driver was asked"
            ),
            .required(
                "inodes_enforced", .text(most: 4096), "the same, or `counted as bytes`"),
            APIField(
                "used_bytes", .count, "what it holds, where somebody counts; only of one that is asked for"),
            APIField("used_inodes", .count, "the same of files, directories and links"),
            APIField("driver", .text(most: 64), "what keeps its limits"),
            APIField("forked_from", .text(most: 128), "`WORKSPACE` or `WORKSPACE@SNAPSHOT`"),
            .required("created", .time, "when it was asked for"),
            APIField("last_used", .time, "when a session began or ended to have it"),
            .required("sessions", .list(.id, most: 10_000), "those that have it now"),
            APIField("shared", .flag, "whether these take others beside them; absent where there are none"),
            .required("snapshots", .count, "how many it has"),
        ])

    package static let workspaceList = APIObject(
        "WorkspaceList", "Workspaces in the order of their names.",
        [
            .required("workspaces", .list(.object(workspace), most: 1000), "one page"),
            APIField("next", .text(most: 64), "`after` of the next page; absent at the end"),
        ])

    package static let snapshot = APIObject(
        "Snapshot", "What a workspace held at one moment.",
        [
            .required("name", .name, "as it was asked for"),
            .required("workspace", .name, "whose it is"),
            .required(
                "state", .word(["creating", "ready", "removing", "lost", "unrecorded"]), "how far it is"),
            APIField("progress", .object(progress), "of the copy that becomes it"),
            .required("created", .time, "when it was asked for"),
        ])

    package static let snapshotList = APIObject(
        "SnapshotList", "The snapshots of a workspace in the order in which they were made.",
        [.required("snapshots", .list(.object(snapshot), most: 1000), "all of them")])

    package static let workspaceChange = APIObject(
        "WorkspaceChange", "A path at which two trees differ.",
        [
            .required("change", .word(["added", "changed", "removed"]), "what happened to it"),
            .required("path", .path, "below the workspace"),
            .required("type", .word(fileTypes), "what it is; of what was removed, what it was"),
            .required(
                "what", .list(.word(["type", "mode", "content", "target"]), most: 4),
                "what of it changed; empty for what was added or removed"),
        ])

    package static let workspaceDifference = APIObject(
        "WorkspaceDifference",
        "Paths that differ: a directory before what is in it, names in the order of their bytes.",
        [
            .required("changes", .list(.object(workspaceChange), most: 1000), "one page, maybe none"),
            .required(
                "skipped", .count,
                "names in this part that were not compared: what is mounted, and names that are not UTF-8"),
            APIField("next", .path, "`after` of the next page; absent at the end"),
        ])

    package static let volumes = APIObject(
        "Volumes", "What keeps workspaces to their limits here.",
        [
            APIField(
                "driver", .word(["btrfs", "project", "tmpfs", "directory"]), "absent where there can be none"),
            APIField("place", .text(most: 4096), "where volumes are"),
            .required("reason", .text(most: 4096), "why this one, or why none"),
            APIField("open", .flag, "whether it is in use; it is not before the first volume"),
            APIField("bytes", .text(most: 4096), "`enforced`, or `not enforced` with the reason"),
            APIField("inodes", .text(most: 4096), "the same, or `counted as bytes`"),
            APIField("tenant_total", .text(most: 4096), "the same of what a tenant's have together"),
            APIField("snapshots", .flag, "whether there can be any"),
            APIField("problems", .list(.text(most: 4096), most: 16), "what operators have to know"),
        ])
}
