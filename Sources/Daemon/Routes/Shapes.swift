import API
import Capture
import Sandbox
import Service
import Sessions
import Store
import WardenProtocol
import Wire

// The answers, as the tables of the API describe them.

extension Daemon {
    func write(_ session: Session, _ keep: SessionKeep, to object: inout JSONObjectWriter) {
        let (spec, machine) = (session.spec, session.machine)
        object.add("id", session.id.description)
        if let name = spec.name { object.add("name", name.description) }
        object.add("tenant", spec.tenant.description)
        object.add("profile", spec.profile)
        object.add("image", keep.image ?? "")
        object.object("labels") { labels in
            for (key, value) in spec.labels.sorted { labels.add(key, value) }
        }
        object.add("state", machine.state.rawValue)
        if let cause = machine.cause { object.add("cause", cause.rawValue) }
        if !keep.message.isEmpty { object.add("message", keep.message) }
        object.add("created", keep.created.text)
        if let started = keep.started { object.add("started", started.text) }
        if let ended = keep.ended { object.add("ended", ended.text) }
        if !machine.hasEnded { write(machine.lifespan, to: &object) }
        object.add("persistent", spec.isPersistent)
        object.object("workspace") { write(workspaceOf: spec, keep.limits, to: &$0) }
        object.add("processes", session.processes.liveCount)
        if let layers = keep.layersText { object.add("layers", layers) }
        if let limits = limits(of: spec, keep) { write(limits, to: &object) }
    }

    /// Those in force: of a workspace that outlives the session as they are now.
    private func limits(of spec: SessionSpec, _ keep: SessionKeep) -> SandboxLimits? {
        guard var limits = keep.limits, let name = spec.workspace.name,
            let quota = workspaces[WorkspaceKey(name, of: spec.tenant)]?.quota
        else { return keep.limits }
        if limits.workspace.bytes != nil { limits.workspace.bytes = quota.bytes }
        if limits.workspace.inodes != nil { limits.workspace.inodes = quota.inodes }
        return limits
    }

    private func write(_ limits: SandboxLimits, to object: inout JSONObjectWriter) {
        object.object("limits") { object in
            if let bytes = limits.memory { object.add("memory", bytes) }
            if let bytes = limits.swap { object.add("swap", bytes) }
            if let count = limits.pids { object.add("pids", count) }
            if let thousandths = limits.cpus { object.add("cpus", thousandths) }
            if let time = limits.cpuTime { object.add("cpu_time", time) }
            if let bytes = limits.workspace.bytes { object.add("workspace_bytes", bytes) }
            if let count = limits.workspace.inodes { object.add("workspace_inodes", count) }
        }
    }

    private func write(_ lifespan: Lifespan, to object: inout JSONObjectWriter) {
        object.add("last_used", DaemonClock.moment(lifespan.lastUse).text)
        guard let deadline = lifespan.deadline else { return }
        object.add("expires", DaemonClock.moment(deadline.at).text)
        object.add("expires_by", deadline.limit.cause.rawValue)
    }

    /// The answer with one session.
    func shape(_ id: SessionID, status: Int = 200) -> Response {
        guard let session = table[id], let keep = keeps[id] else {
            return .error(ServiceError(.notFound, "there is no session \(id)"))
        }
        return .json(.object { write(session, keep, to: &$0) }, status: status)
    }

    func write(_ run: ProcessRun, to object: inout JSONObjectWriter) {
        object.add("id", run.id.description)
        object.add("session", run.session.description)
        if let name = run.spec.name { object.add("name", name.description) }
        object.add("kind", run.spec.kind.rawValue)
        object.array("argv") { list in run.program.argv.forEach { list.add($0) } }
        if run.program.terminal != nil { object.add("tty", true) }
        if run.feed?.isOpen ?? false { object.add("stdin", true) }
        let machine = machine(run)
        let state = machine?.state ?? .ended
        object.add("state", state == .restarting ? "waiting" : state.rawValue)
        if let pid = run.pid, pid > 0 { object.add("pid", Int(pid)) }
        if let cause = machine?.cause { object.add("cause", cause.rawValue) }
        write(machine?.status, to: &object)
        if let started = run.started { object.add("started", started.text) }
        if let ended = run.ended { object.add("ended", ended.text) }
        object.add("restarts", machine?.restarts ?? 0)
        let written = run.output?.rings.map(\.position) ?? [run.stdout.written, run.stderr.written]
        object.add("stdout_bytes", written.first ?? 0)
        object.add("stderr_bytes", written.dropFirst().first ?? 0)
    }

    private func write(_ status: ProcessStatus?, to object: inout JSONObjectWriter) {
        switch status {
        case .exited(let code): object.add("exit", Int(code))
        case .signalled(let number): object.add("signal", Int(number))
        case nil: break
        }
    }

    func shape(_ run: ProcessRun, status: Int = 200) -> Response {
        .json(.object { write(run, to: &$0) }, status: status)
    }

    /// How an exec ended; nil for one that goes on.
    func shape(_ result: ProcessResult?, of run: ProcessRun) -> Response {
        .json(
            .object { object in
                object.add("process", run.id.description)
                if let result { write(result, to: &object) }
                if let exit = run.exit {
                    object.add("cpu_time", UInt64(clamping: exit.userTime + exit.systemTime) / 1000)
                    object.add("memory_peak", UInt64(clamping: exit.peakMemory) << 10)
                }
                object.add("stdout", Base64.encode(run.result?.stdout ?? []))
                object.add("stderr", Base64.encode(run.result?.stderr ?? []))
                object.add("stdout_cut", run.stdout.cut)
                object.add("stderr_cut", run.stderr.cut)
            })
    }

    private func write(_ result: ProcessResult, to object: inout JSONObjectWriter) {
        let ended = DaemonClock.moment(result.endedAt)
        object.add("cause", result.cause.rawValue)
        write(result.status, to: &object)
        if let started = result.startedAt {
            object.add("started", DaemonClock.moment(started).text)
            object.add("duration", (ended.boot - min(ended.boot, started)) / 1_000_000)
        }
        object.add("ended", ended.text)
    }

    func shape(_ statistics: SandboxStatistics) -> Response {
        .json(
            .object { object in
                if let bytes = statistics.memory { object.add("memory", bytes) }
                if let bytes = statistics.peakMemory { object.add("memory_peak", bytes) }
                if let time = statistics.cpuTime { object.add("cpu_time", time / 1000) }
                if let count = statistics.pids { object.add("pids", count) }
                if let count = statistics.outOfMemoryKills { object.add("oom_kills", count) }
                if let count = statistics.pidsLimitHits { object.add("pids_hits", count) }
                if let bytes = statistics.workspace.bytes { object.add("workspace_bytes", bytes) }
                if let count = statistics.workspace.inodes { object.add("workspace_inodes", count) }
            })
    }
}
