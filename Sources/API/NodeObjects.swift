// The objects that are about no one session.

extension APIObject {
    package static let failure = APIObject(
        "Failure", "Why a request was refused; the one shape of all errors.",
        [
            .required(
                "error",
                .object(
                    APIObject(
                        "Error", "What was wrong, where, and what to do.",
                        [
                            .required("code", .text(most: 64), "a word for programs, such as `not-found`"),
                            APIField("reason", .text(most: 64), "a finer one, such as `workspace-in-use`"),
                            .required("message", .text(most: 4096), "a sentence for people"),
                            APIField("field", .text(most: 4096), "the member or parameter that was wrong"),
                            APIField("hint", .text(most: 4096), "what to do"),
                        ])), "the error")
        ])

    package static let health = APIObject(
        "Health", "Whether the daemon can serve.",
        [
            .required("status", .word(["ok", "degraded"]), "degraded: it serves, but not all of it"),
            .required("warden", .word(["connected", "lost"]), "the process that owns the sandboxes"),
            .required("store", .word(["ok", "read-only", "set-aside"]), "the database"),
        ])

    package static let info = APIObject(
        "Info", "What the daemon is and has.",
        [
            .required("version", .text(most: 64), "of corrald"),
            .required("warden_version", .text(most: 64), "of corral-warden"),
            .required("kernel", .text(most: 256), "release of the kernel"),
            .required("state", .text(most: 4096), "the state directory"),
            .required("sessions", .count, "that have not ended, as far as the caller may know"),
            .required("sessions_max", .count, "at most"),
            .required("started", .time, "when this daemon began"),
            APIField(
                "tokens_refused", .count,
                "wrong tokens since the start; absent for those who do not see every tenant"),
            APIField("volumes", .object(volumes), "of workspaces; absent while the warden is lost"),
            APIField(
                "networks", .object(networks), "made ahead of sessions; absent while the warden is lost"),
            APIField("reload", .object(reload), "what came of the last SIGHUP; absent where there was none"),
        ])

    private static let networks = APIObject(
        "Networks", "The network namespaces that the warden keeps ready.",
        [
            .required("ready", .count, "that there are"),
            .required("most", .count, "that are kept; 0: each session makes its own"),
            .required("taken", .count, "sessions that got one"),
            .required("missed", .count, "sessions that waited until theirs was made"),
            APIField("problem", .text(most: 4096), "why there are none, or fewer than `most`"),
        ])

    private static let reload = APIObject(
        "Reload", "What came of reading the settings again.",
        [
            .required("number", .count, "of this reload; 1 is the first"),
            .required("time", .time, "when"),
            .required("changes", .list(.text(most: 4096), most: 256), "a sentence for each key"),
            .required(
                "problems", .list(.text(most: 4096), most: 256),
                "mistakes, with their places; where there is one nothing has changed"),
        ])

    package static let profileList = APIObject(
        "ProfileList", "Profiles that a session may be created with.",
        [
            .required(
                "profiles",
                .list(
                    .object(
                        APIObject(
                            "ProfileEntry", "One profile.",
                            [
                                .required("name", .name, "its name"),
                                .required("image", .name, "its image"),
                                .required("source", .text(most: 64), "`operator` or `shipped`"),
                                APIField("problem", .text(most: 4096), "why it cannot be used"),
                            ])), most: 10_000), "sorted by name")
        ])

    package static let imageList = APIObject(
        "ImageList", "Images that a session may be created with.",
        [
            .required(
                "images",
                .list(
                    .object(
                        APIObject(
                            "ImageEntry", "One image.",
                            [
                                .required("name", .name, "its name"),
                                .required("kind", .word(["host", "tree"]), "the host's files, or its own"),
                            ])), most: 10_000), "sorted by name")
        ])

    package static let progress = APIObject(
        "Progress", "How far a copy is, where it takes as long as there is to copy.",
        [
            .required("entries", .count, "files, directories and links that are there"),
            .required("bytes", .count, "bytes that are there"),
            APIField("total_bytes", .count, "bytes that there are to copy; absent where nothing counts them"),
        ])

    package static let event = APIObject(
        "Event", "Something that happened, as it is sent in `data` of a server-sent event.",
        [
            .required("time", .time, "when"),
            .required(
                "type", .text(most: 64), "such as `session.running`, `process.ended` or `workspace.created`"),
            APIField("session", .id, "of which session; absent for what is about none"),
            APIField("tenant", .name, "whose; absent for the operator's, told to who follows all tenants"),
            APIField("workspace", .name, "of which workspace; absent in those of sessions"),
            APIField("snapshot", .name, "of which of its snapshots"),
            APIField("progress", .object(progress), "how far a copy is"),
            APIField("process", .id, "of which process"),
            APIField("state", .text(most: 64), "the new state"), APIField("cause", .cause, "why"),
            APIField("message", .text(most: 4096), "more about it"),
        ])
}
