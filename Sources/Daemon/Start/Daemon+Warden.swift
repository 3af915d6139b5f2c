import FailPoints
import Linux
import Sandbox
import ServiceManager
import Sessions
import WardenProtocol

// The connection to the warden: made at the start and when it was lost; then both sides' knowledge is compared.

extension Daemon: WardenLinkDelegate {
    func warden(_ link: WardenLink, tells event: WardenEvent, _ packet: Packet) {
        guard link === self.link else { return }
        tells(event, packet)
    }

    func warden(_ link: WardenLink, isLostBecause why: String) {
        guard link === self.link else { return }
        self.link = nil
        // The comparison with the next one sees to those that have not come up.
        launches = LaunchQueue()
        heldEvents = nil
        (hasComparedVolumes, isComparingVolumes) = (false, false)
        log.line(.error, "the warden is lost: \(why)")
        deadlines.set(.warden, at: DaemonClock.now)
    }

    /// Connects, starting a warden where there is none and that can be done.
    /// - Parameters:
    ///   - patience: for what a moment cures, in nanoseconds: a warden hears late that the corrald before is
    ///     gone, and one that was started listens late.
    ///   - evenIfAbsent: whether that nobody listens is such a thing.
    func connect(within patience: UInt64, evenIfAbsent: Bool) throws(StartProblemText) {
        let deadline = DaemonClock.now + patience
        var start = place.startWarden
        var isTold = false
        while true {
            do throws(WardenLinkError) {
                link = try .connect(
                    to: place.wardenSocket, build: CorralVersion.current, on: loop, delegate: self)
                return compareBuilds()
            } catch {
                if error.isAbsence, let begin = start {
                    start = nil
                    try begin()
                    continue
                }
                let passes = error.isAbsence ? evenIfAbsent : error.mayPass
                guard passes, DaemonClock.now < deadline else {
                    let isLost = error.isAbsence && place.startWarden == nil
                    let cure = isLost ? place.wardenCure.map { "; \($0)" } ?? "" : ""
                    throw StartProblemText("\(error)\(cure)", exitCode: isLost ? Daemon.startedAgain : 1)
                }
                if !isTold, !error.isAbsence { log.line(.info, "waiting: \(error)") }
                isTold = isTold || !error.isAbsence
                ShortWait.milliseconds(10)
            }
        }
    }

    /// Builds may differ, as long as both speak one version of the protocol; the operator is told.
    private func compareBuilds() {
        guard let build = link?.wardenBuild, build != CorralVersion.current else { return }
        log.line(
            .warning,
            "the warden is of build \(shown(build)) and this corrald of \(CorralVersion.current): its sessions go "
                + "on; a warden of this build takes corral daemon stop --sessions, which ends them")
    }
    /// The exit code of one that has to be started again, and a warden with it (sysexits.h, `EX_TEMPFAIL`).
    static let startedAgain: Int32 = 75

    /// After it was lost.
    func lookForWarden() {
        guard link == nil else { return }
        do throws(StartProblemText) {
            try connect(within: 2_000_000_000, evenIfAbsent: place.startWarden != nil)
            log.line(.info, "connected to a warden again")
            reconcile()
        } catch {
            log.line(.error, "\(error)")
            if place.startWarden == nil {
                // A warden takes privileges that this process gave up: who started it can start both.
                log.line(.error, "ending, to be started again with a new warden")
                manager?.tell(.stopping(status: "the warden is lost"))
                exitCode = Daemon.startedAgain
                isOver = true
            } else {
                deadlines.set(.warden, at: DaemonClock.now + .seconds(1))
            }
        }
    }

    // MARK: Comparing

    /// What the warden has, as far as it has told.
    private final class Inventory {
        var sessions: [SandboxID: SessionEntry] = [:]
        var processes: [ProcessKey: ProcessEntry] = [:]
    }

    /// Asks for everything in custody and brings the records and the warden together.
    /// - Parameter done: called once they agree, also where the warden is lost meanwhile and another one is
    ///   compared with.
    func reconcile(_ done: @escaping () -> Void = {}) {
        whenCompared.append(done)
        heldEvents = []
        page(after: nil, Inventory())
    }

    private func page(after: SandboxID?, _ inventory: Inventory) {
        link?.send(.list(after: after)) { [weak self] answer, packet in
            guard let self else { return }
            switch answer {
            case .session(let entry): inventory.sessions[entry.id] = entry
            case .process(let entry):
                inventory.processes[entry.key] = entry
                if let run = run(entry.key), machine(run)?.hasEnded == false, run.output == nil {
                    run.isInCustody = true
                    if !entry.roles.isEmpty { connect(run, entry.roles, packet) }
                }
            case .page(let next?): page(after: next, inventory)
            case .page(nil):
                FailPoint.pass(.daemonListed)
                compare(inventory)
                FailPoint.pass(.daemonCompared)
                compareVolumes { [weak self] in self?.goOn() }
            default: log.line(.error, "the warden did not list what it has: \(answer)")
            }
        }
    }

    /// With what was put off during the comparison.
    private func goOn() {
        weighAll()
        let (events, done) = (heldEvents ?? [], whenCompared)
        (heldEvents, whenCompared) = (nil, [])
        for (event, packet) in events { tells(event, packet) }
        for body in done { body() }
    }

    private func compare(_ inventory: Inventory) {
        var counts = (adopted: 0, lost: 0, stray: 0)
        for (id, keep) in keeps where table[id]?.machine.hasEnded == false {
            if let entry = inventory.sessions[keep.sandbox] {
                counts.adopted += 1
                adopt(id, keep, entry, inventory.processes)
            } else {
                counts.lost += 1
                lose(id, keep)
            }
        }
        for (sandbox, entry) in inventory.sessions where isStray(sandbox) {
            counts.stray += 1
            strays.insert(sandbox)
            let isDead = entry.stage == .gone || entry.stage == .stuck
            link?.send(isDead ? .remove(sandbox) : .kill(sandbox)) { _, _ in }
        }
        log.line(
            .info,
            "\(counts.adopted) sessions go on, \(counts.lost) are lost, \(counts.stray) of nobody's are ended"
        )
    }

    private func isStray(_ sandbox: SandboxID) -> Bool {
        table[SessionID(value: sandbox.value)]?.machine.hasEnded ?? true
    }

    private func adopt(
        _ id: SessionID, _ keep: SessionKeep, _ entry: SessionEntry, _ found: [ProcessKey: ProcessEntry]
    ) {
        keep.layers = entry.layers
        keep.limits = entry.layers.isEmpty ? nil : entry.limits
        settle(id, keep.limits)
        keep.warden = link.map { String($0.instance) }
        // That it came up may not be on record. It was ordered shortly before.
        if keep.started == nil, !entry.layers.isEmpty { keep.started = DaemonClock.moment(entry.began) }
        // Of a request that was never recorded, or of one whose end is on record already.
        let over = found.filter { key, _ in
            key.session == keep.sandbox && run(key).flatMap { machine($0) }?.hasEnded ?? true
        }
        for process in table[id]?.processes.all ?? [] {
            if let run = runs[process.id], !process.machine.hasEnded { adopt(run, found[run.key]) }
        }
        switch entry.stage {
        // The warden may not have been told to end it.
        case .starting where [.stopping, .quarantined].contains(table[id]?.machine.state):
            handle(.adopted(Holding()), id)
        // The warden tells when it is ready.
        case .starting: handle(.used, id)
        case .running, .paused, .ending:
            let live = table[id]?.processes.all.filter { !$0.machine.hasEnded } ?? []
            let execs = live.count { $0.machine.spec.kind == .exec }
            let holding = Holding(
                isFrozen: entry.stage == .paused, execs: execs, managed: live.count - execs)
            // Of one that is ending by itself the warden tells next why.
            handle(.adopted(holding), id)
        case .gone, .stuck:
            let remains = entry.stage == .stuck ? "the warden tried in vain" : nil
            gone(
                entry.id, entry.end ?? SandboxEnd(cause: .daemonRestart, at: DaemonClock.now),
                remains: remains)
        }
        for (key, process) in over {
            switch process.stage {
            case .exited, .failed: acknowledge(key)
            case .starting, .running: link?.send(.signal(key, SignalNumber.kill)) { _, _ in }
            }
        }
    }

    private func adopt(_ run: ProcessRun, _ entry: ProcessEntry?) {
        guard let entry else { return handle(.lost(.unknown), run) }
        run.isInCustody = true
        if run.spec.kind == .exec { keeps[run.session]?.turns.adopt(run.id) }
        switch entry.stage {
        case .starting: break
        case .running(let pid):
            run.pid = pid
            // That it began may not be on record.
            let isKnown = [.running, .stopping].contains(machine(run)?.state)
            handle(.adopted, run, at: isKnown ? nil : entry.began)
        case .failed(let problem): startFailed(run.key, problem)
        case .exited(let record): exited(run.key, record)
        }
    }

    private func lose(_ id: SessionID, _ keep: SessionKeep) {
        let isSame = keep.warden == nil || keep.warden == link.map { String($0.instance) }
        let loss = isSame ? Loss.unknown : .wardenGone
        keep.isDead = true
        for process in table[id]?.processes.all ?? [] where !process.machine.hasEnded {
            if let run = runs[process.id] {
                run.output = nil
                run.feed = nil
                handle(.lost(loss), run)
            }
        }
        if loss == .unknown, [.created, .starting].contains(table[id]?.machine.state) { keep.isDead = false }
        handle(.lost(loss), id)
    }
}

extension WardenLinkError {
    /// Whether nobody listens.
    fileprivate var isAbsence: Bool {
        guard case .system(let cause) = self else { return false }
        return [.noSuchFileOrDirectory, .connectionRefused].contains(cause.errno)
    }

    /// Whether it can be gone in a moment: somebody else is served still, or the warden is just ending.
    fileprivate var mayPass: Bool {
        switch self {
        case .system, .protocolBroken: true
        case .refused(let refusal): refusal.code == .notServed || refusal.code == .ending
        case .otherVersion: false
        }
    }
}
