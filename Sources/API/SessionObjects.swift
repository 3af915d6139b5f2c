// The objects of sessions, as clients write and read them.

import Sandbox

private let mebibyte = 1 << 20
/// Milliseconds in 100 years: more is a mistake.
private let longest: UInt64 = 100 * 366 * 86_400_000

extension APIField.Kind {
    /// In milliseconds.
    static let duration = APIField.Kind.whole(1...longest)
    static let name = APIField.Kind.text(most: 63)
    static let id = APIField.Kind.text(most: 16)
    static let labels = APIField.Kind.map(most: 64, valueBytes: 255)
    static let environment = APIField.Kind.map(most: 4096, valueBytes: 131_072)
    static let cause = APIField.Kind.word(Cause.allCases.map(\.rawValue))
    static let count = APIField.Kind.whole(0...UInt64.max)
}

extension APIObject {
    package static let limitsRequest = APIObject(
        "LimitsRequest",
        "Limits of one session in place of the profile's, no higher than what the operator and the profile allow.",
        [
            APIField("memory", .whole(1...UInt64.max), "bytes"),
            APIField("pids", .whole(1...4_194_304), "processes and threads"),
            APIField("cpus", .whole(1...1_000_000), "thousandths of a cpu"),
            APIField("cpu_time", .duration, "milliseconds of cpu time; null for none", null: true),
            APIField("open_files", .whole(1...1_048_576), "open files of each process"),
            APIField("file_size", .whole(1...UInt64.max), "bytes of one file"),
            APIField(
                "output", .whole(1...UInt64.max), "bytes of output of one exec; null for none", null: true),
        ])

    package static let sessionRequest = APIObject(
        "SessionRequest", "A session to create.",
        [
            APIField("name", .name, "unique among the tenant's sessions that have not ended"),
            APIField("profile", .name, "the name of a profile; `default` where it is left out"),
            APIField("image", .name, "the name of an image, in place of the profile's"),
            APIField("tenant", .name, "the caller's own where it is left out"),
            APIField("labels", .labels, "texts by names of the client's choice"),
            APIField("env", .environment, "variables of every process, over the profile's"),
            APIField("limits", .object(limitsRequest), "limits"),
            APIField("ttl", .duration, "milliseconds from creation or the last renewal", null: true),
            APIField("idle", .duration, "milliseconds since the last use", null: true),
            APIField("max", .duration, "milliseconds from creation; no renewal goes past it", null: true),
            APIField(
                "workspace", .name,
                "a workspace that outlives the session, in place of one of its own; POST /v1/workspaces makes it"
            ),
            APIField(
                "workspace_shared", .flag, "whether other sessions that say the same may have it meanwhile"),
            APIField(
                "directory", .text(most: 4095),
                "a directory of the host, by its absolute path, in place of a workspace of Corral's: one that the setting `mounts` allows"
            ),
            APIField(
                "quota", .object(quotaRequest),
                "a volume of the session's own, gone with it, in place of memory"),
            APIField(
                "persistent", .flag,
                "whether the workspace outlives the session: that takes `workspace` or `directory`"),
            APIField(
                "idempotency_key", .text(most: 128),
                "a second request with the same key gets the first one's session"),
        ])

    package static let session = APIObject(
        "Session", "A session as it is now, or as it ended.",
        [
            .required("id", .id, "16 hexadecimal digits"),
            APIField("name", .name, "as it was asked for"),
            .required("tenant", .name, "whose it is"),
            .required("profile", .name, "the profile"),
            .required("image", .name, "the image"),
            .required("labels", .labels, "as they were asked for"),
            .required("state", .word(sessionStates), "how far it is"),
            APIField("cause", .cause, "why it ended"),
            APIField("message", .text(most: 4096), "what there is to say about the cause"),
            .required("created", .time, "when it was asked for"),
            APIField(
                "started", .time,
                "when its sandbox was ready; not there if it never was, or if a loss of power took that it was"
            ),
            APIField("ended", .time, "when the last of it was gone"),
            APIField("last_used", .time, "the last exec, attach or traffic"),
            APIField("expires", .time, "when it will end if nobody renews or uses it"),
            APIField("expires_by", .cause, "which of its lifetimes that is"),
            .required("persistent", .flag, "whether the workspace outlives it"),
            APIField(
                "workspace", .object(sessionWorkspace), "what its files are kept on, and what holds there"),
            .required("processes", .count, "processes that run in it"),
            APIField("layers", .map(most: 64, valueBytes: 4096), "each layer, and whether it is in force"),
            APIField("limits", .object(limits), "limits in force"),
        ])

    package static let limits = APIObject(
        "Limits", "Limits in force; one that this host cannot enforce, or that there is none of, is absent.",
        [
            APIField("memory", .count, "bytes"), APIField("swap", .count, "bytes"),
            APIField("pids", .count, "processes and threads"),
            APIField("cpus", .count, "thousandths of a cpu"),
            APIField("cpu_time", .count, "milliseconds"),
            APIField("workspace_bytes", .count, "bytes of the workspace"),
            APIField("workspace_inodes", .count, "files, directories and links in the workspace"),
        ])

    package static let sessionWorkspace = APIObject(
        "SessionWorkspace", "What a session's files are kept on.",
        [
            .required(
                "kind", .word(["memory", "volume", "named", "directory"]),
                "a memory file system, a volume that goes with the session, one that outlives it, or a directory of the host"
            ),
            APIField("name", .name, "of one that outlives it"),
            APIField("path", .text(most: 4095), "of a directory of the host"),
            APIField("shared", .flag, "whether other sessions may have it meanwhile"),
            .required("bytes_enforced", .text(most: 4096), "as a Workspace has it"),
            .required("inodes_enforced", .text(most: 4096), "as a Workspace has it"),
        ])

    package static let sessionList = APIObject(
        "SessionList", "Sessions in the order of their creation.",
        [
            .required("sessions", .list(.object(session), most: 1000), "one page"),
            APIField("next", .text(most: 64), "`after` of the next page; absent at the end"),
        ])

    package static let renewRequest = APIObject(
        "RenewRequest", "A new time to live.",
        [APIField("ttl", .duration, "milliseconds from now; the session's own ttl where it is left out")])

    package static let stopRequest = APIObject(
        "StopRequest", "How to end a session or a process.",
        [
            APIField(
                "grace", .whole(0...600_000), "milliseconds between SIGTERM and SIGKILL; 10000 by default"),
            APIField("reason", .text(most: 256), "kept with the session"),
        ])

    package static let statistics = APIObject(
        "Statistics", "What a session uses now and has used.",
        [
            APIField("memory", .count, "bytes"), APIField("memory_peak", .count, "bytes"),
            APIField("cpu_time", .count, "milliseconds"), APIField("pids", .count, "processes and threads"),
            APIField("oom_kills", .count, "processes killed for memory"),
            APIField("pids_hits", .count, "forks refused at the limit"),
            APIField("workspace_bytes", .count, "bytes that the volume of its files holds"),
            APIField("workspace_inodes", .count, "files, directories and links that it holds"),
        ])

    /// What the state machine of a session calls its states.
    package static let sessionStates = [
        "created", "starting", "running", "paused", "stopping", "ended", "quarantined",
    ]
}

extension APIObject {
    /// Members that exec and managed processes share.
    private static let program: [APIField] = [
        APIField("argv", .list(.text(most: 131_071), most: 65_536), "the program and its arguments"),
        APIField("shell", .text(most: 8 * mebibyte), "text for `sh -c`, in place of argv"),
        APIField("env", .environment, "variables over the session's"),
        APIField("cwd", .text(most: 4095), "an absolute path; the workspace where it is left out"),
        APIField("tty", .flag, "whether it gets a terminal of its own"),
        APIField("columns", .whole(1...65_535), "of the terminal"),
        APIField("rows", .whole(1...65_535), "of the terminal"),
    ]

    package static let execRequest = APIObject(
        "ExecRequest", "A program to run to its end. Either `argv` or `shell` is required.",
        program + [
            APIField("stdin", .bytes(most: 8 * mebibyte), "all of its input; none where it is left out"),
            APIField("timeout", .duration, "milliseconds", null: true),
            APIField(
                "output_limit", .whole(1...UInt64.max), "bytes of both streams together", null: true),
            APIField("alone", .flag, "whether to wait until no other exec of the session runs"),
            APIField("detach", .flag, "whether to answer once it runs, and not when it has ended"),
        ])

    package static let execResult = APIObject(
        "ExecResult", "How an exec ended.",
        [
            .required("process", .id, "its id"),
            APIField("cause", .cause, "why it ended; absent while it runs, with detach"),
            APIField("exit", .signed, "exit code of a program that exited"),
            APIField("signal", .signed, "the signal that ended it"),
            APIField("started", .time, "when it began to run"), APIField("ended", .time, "when it ended"),
            APIField("duration", .count, "milliseconds"),
            APIField("cpu_time", .count, "milliseconds"),
            APIField("memory_peak", .count, "bytes of the largest process"),
            .required("stdout", .bytes(most: Int.max), "what it wrote"),
            .required("stderr", .bytes(most: Int.max), "what it wrote to standard error"),
            .required("stdout_cut", .count, "bytes between head and tail that are not there"),
            .required("stderr_cut", .count, "the same of standard error"),
        ])

    package static let attachedExecRequest = APIObject(
        "AttachedExecRequest",
        "A program to run to its end, attached to this connection. Either `argv` or `shell` is required.",
        program + [
            APIField("stdin", .flag, "whether this client writes to its input"),
            APIField("timeout", .duration, "milliseconds", null: true),
            APIField(
                "output_limit", .whole(1...UInt64.max), "bytes of both streams that are kept for later",
                null: true),
            APIField("alone", .flag, "whether to wait until no other exec of the session runs"),
        ])

    package static let offsets = APIObject(
        "Offsets", "Places in what a process wrote.",
        [
            .required("stdout", .count, "an offset of standard output, or of the terminal"),
            .required("stderr", .count, "an offset of standard error"),
            .required("stdout_end", .count, "where standard output ended at that moment"),
            .required("stderr_end", .count, "where standard error did"),
            .required("timed", .flag, "whether it is known when bytes came"),
        ])

    package static let processRequest = APIObject(
        "ProcessRequest", "A managed process to start. Either `argv` or `shell` is required.",
        program + [
            APIField("name", .name, "unique in the session"),
            APIField("stdin", .flag, "whether its input stays open for writes and attached clients"),
            APIField("restart", .word(["no", "on-failure", "always"]), "`no` where it is left out"),
            APIField("restarts", .whole(1...1_000_000), "at most so many; without end where it is left out"),
        ])

    package static let process = APIObject(
        "Process", "A process as it is now, or as it ended.",
        [
            .required("id", .id, "16 hexadecimal digits"), .required("session", .id, "where it runs"),
            APIField("name", .name, "as it was asked for"),
            .required("kind", .word(["exec", "managed"]), "run to its end, or kept"),
            .required("argv", .list(.text(most: 131_071), most: 65_536), "what runs"),
            APIField("tty", .flag, "whether it has a terminal"),
            APIField("stdin", .flag, "whether it takes input"),
            .required(
                "state", .word(["requested", "starting", "running", "stopping", "waiting", "ended"]),
                "how far it is; waiting is between two restarts"),
            APIField("pid", .count, "as the sandbox sees it"),
            APIField("cause", .cause, "why it ended last"), APIField("exit", .signed, "exit code"),
            APIField("signal", .signed, "the signal that ended it"),
            APIField("started", .time, "when it began to run"), APIField("ended", .time, "when it ended"),
            .required("restarts", .count, "how often it was started again"),
            .required("stdout_bytes", .count, "written so far"),
            .required("stderr_bytes", .count, "written so far"),
        ])

    package static let processList = APIObject(
        "ProcessList", "Processes of a session in the order of their start.",
        [.required("processes", .list(.object(process), most: 10_000), "all of them")])

    package static let signalRequest = APIObject(
        "SignalRequest", "A signal for a process.",
        [.required("signal", .text(most: 16), "a name such as `TERM` or `SIGHUP`, or a number from 1 to 64")])

    package static let inputRequest = APIObject(
        "InputRequest", "Bytes for the input of a process.",
        [
            APIField("data", .bytes(most: mebibyte), "what to write"),
            APIField("close", .flag, "whether nothing follows"),
        ])

    package static let resizeRequest = APIObject(
        "ResizeRequest", "The size of a terminal.",
        [
            .required("columns", .whole(1...65_535), "characters in a line"),
            .required("rows", .whole(1...65_535), "lines"),
        ])
}
