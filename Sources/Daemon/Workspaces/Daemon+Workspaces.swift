import Linux
import Sandbox
import Service
import Sessions
import Store
import WardenProtocol

// What is meant to become of workspaces is recorded, then the warden is asked for it, then what came of it is
// recorded and told. Whatever a daemon that was killed had begun, the next one asks for again.

extension Daemon {
    /// Records what the table says of a volume now, has it done, and answers when that is over.
    /// - Parameter undo: puts the table back as it was, where nothing can be recorded.
    func pursue(
        _ volume: WorkspaceVolume, undo: @escaping (inout WorkspaceTable) -> Void,
        _ response: @escaping (Daemon) -> Response
    ) -> Reply {
        let pending = Pending()
        record(volume)
        let intent = Batch.Work.intent { [weak self] problem in
            guard let self else { return }
            if let problem {
                undo(&workspaces)
                settleDisk(of: volume)
                return pending.fail(.notRecorded(problem))
            }
            wait(for: volume, pending, response)
            if let work = work(on: volume) { ask(work) } else { tell(volume, nil) }
        }
        batches.append(Batch(work: intent, trace: log.trace))
        return .later(pending)
    }

    /// Answers when what was begun on a volume is over.
    func wait(
        for volume: WorkspaceVolume, _ pending: Pending, _ response: @escaping (Daemon) -> Response
    ) {
        volumeWaiters[volume, default: []].append { [weak self] error in
            guard let self else { return }
            if let error { pending.fail(error) } else { pending.complete(response(self)) }
        }
    }

    private func work(on volume: WorkspaceVolume) -> WorkspaceWork? {
        switch volume {
        case .workspace(let key): workspaces.work(on: key)
        case .snapshot(let key): workspaces.work(on: key)
        }
    }

    /// Without a warden it waits for the next comparison.
    private func ask(_ work: WorkspaceWork) {
        guard work.takesRoom else { return send(work) }
        holdToTotal(work.volume.tenant) { [weak self] refusal in
            if let refusal { self?.worked(work, .refused(refusal)) } else { self?.send(work) }
        }
    }

    private func send(_ work: WorkspaceWork) {
        guard let link, link.isOpen else { return }
        if let volume = work.emptied { filesEnd(.volume(volume)) }
        link.send(WardenRequest(work)) { [weak self] answer, _ in self?.worked(work, answer) }
    }

    private func worked(_ work: WorkspaceWork, _ answer: WardenAnswer) {
        copies[work.volume] = nil
        var refusal: Refusal?
        if case .refused(let why) = answer { refusal = why }
        let outcome: WorkspaceOutcome =
            refusal == nil ? .done : refusal?.code == .volumeAbsent ? .absent : .refused
        let isWhole = work.isPart(of: workspaces)
        let changed = workspaces.finish(work, outcome)
        if changed.isEmpty { return }
        if case .volume(let state) = answer { workspaces.note(state.driver.rawValue, of: work.volume) }
        if refusal?.code == .volumeExists { workspaces.noteUnrecorded(work.volume, at: DaemonClock.wall) }
        for volume in changed { record(volume) }
        if refusal == nil { tryTotalAgain(of: work.volume.tenant) }
        afterRecords { [weak self] in self?.publish(work, outcome, refusal) }
        if let refusal { log.line(.info, "\(work.volume.text): \(refusal.sentence)") }
        if volumeDriver?.isOpen != true { lookAtDriver() }
        var owner = work.volume
        if case .removeSnapshot(let key) = work, isWhole { owner = .workspace(key.workspace) }
        if let next = self.work(on: owner) { return ask(next) }
        let isOver = work.isRemoval && outcome == .absent
        tell(owner, isOver ? nil : refusal.map { ServiceError($0) })
    }

    private func tell(_ volume: WorkspaceVolume, _ error: ServiceError?) {
        for body in volumeWaiters.removeValue(forKey: volume) ?? [] { body(error) }
    }

    // MARK: The driver

    /// Asks what keeps volumes to their limits; the answer is told from then on.
    func lookAtDriver() {
        guard let link, link.isOpen else { return }
        link.send(.volumeDriver) { [weak self] answer, _ in
            guard let self else { return }
            switch answer {
            case .volumeDriver(let state): (volumeDriver, volumeProblem) = (state, nil)
            case .refused(let refusal): (volumeDriver, volumeProblem) = (nil, refusal.sentence)
            default: break
            }
        }
    }

    // MARK: Comparing

    /// Brings the records and the warden's volumes together, and then has done what was begun before.
    func compareVolumes(_ done: @escaping () -> Void = {}) {
        hasComparedVolumes = false
        isComparingVolumes = true
        totals = [:]
        lookAtDriver()
        lookAtHostVolumes()
        page(after: nil, [], done)
    }

    private func page(after: VolumeKey?, _ found: Set<WorkspaceVolume>, _ done: @escaping () -> Void) {
        link?.send(.volumeList(after: after)) { [weak self] answer, _ in
            guard let self else { return }
            switch answer {
            case .volumes(let keys, let next):
                var found = found
                for tenant in Set(keys.map(\.tenant)) {
                    if let name = try? Name(tenant) { totals[name] = .unknown }
                }
                for key in keys where key.kind != .session {
                    if let volume = key.workspace {
                        found.insert(volume)
                    } else {
                        log.line(
                            .warning, "the volume \(shown(key.description)) is nobody's and is left alone")
                    }
                }
                if let next { return page(after: next, found, done) }
                compare(found)
            case .refused(let refusal):
                // What is there is not known, so nothing is called lost, and nothing is begun.
                if !workspaces.all.isEmpty {
                    log.line(.error, "the volumes of workspaces cannot be looked at: \(refusal.sentence)")
                }
                volumeProblem = refusal.sentence
            default: log.line(.error, "the warden did not list its volumes: \(answer)")
            }
            isComparingVolumes = false
            done()
        }
    }

    private func compare(_ found: Set<WorkspaceVolume>) {
        let result = workspaces.compare(with: found, at: DaemonClock.wall)
        for volume in result.changed { record(volume) }
        for volume in result.lost { log.line(.error, "\(volume.text) is lost: there is no volume of it") }
        for volume in result.unrecorded {
            log.line(.warning, "\(volume.text) has a volume and no record; it is left alone")
        }
        hasComparedVolumes = true
        for tenant in totals.keys.sorted() { holdToTotal(tenant) { _ in } }
        afterRecords { [weak self] in
            guard let self else { return }
            for work in workspaces.work { ask(work) }
            for volume in Array(volumeWaiters.keys) where self.work(on: volume) == nil { tell(volume, nil) }
        }
    }
}

extension WorkspaceTable {
    fileprivate mutating func note(_ driver: String, of volume: WorkspaceVolume) {
        guard case .workspace(let key) = volume, var workspace = self[key] else { return }
        workspace.driver = driver
        put(workspace, at: key)
    }

    /// Something is where a new one was to be made.
    fileprivate mutating func noteUnrecorded(_ volume: WorkspaceVolume, at wall: Int64) {
        switch volume {
        case .workspace(let key) where self[key] == nil:
            put(
                NamedWorkspace(key, state: .unrecorded, quota: WorkspaceQuota(), created: wall), at: key)
        case .snapshot(let key) where self[key] == nil:
            put(WorkspaceSnapshot(key, state: .unrecorded, created: wall), at: key)
        default: break
        }
    }
}

extension WorkspaceWork {
    fileprivate var isRemoval: Bool {
        switch self {
        case .remove, .removeSnapshot: true
        case .create, .fork, .resize, .restore, .snapshot: false
        }
    }

    /// Whether its tenant may have more bytes by it.
    fileprivate var takesRoom: Bool {
        switch self {
        case .create, .fork, .resize, .snapshot, .restore: true
        case .remove, .removeSnapshot: false
        }
    }

    /// Whose files go with it.
    fileprivate var emptied: WorkspaceVolume? {
        switch self {
        case .remove(let key), .restore(let key, _): .workspace(key)
        case .removeSnapshot(let key): .snapshot(key)
        case .create, .fork, .resize, .snapshot: nil
        }
    }

    /// Whether it is done because the workspace of a snapshot goes.
    fileprivate func isPart(of table: WorkspaceTable) -> Bool {
        guard case .removeSnapshot(let key) = self else { return false }
        return table[key.workspace]?.state == .removing
    }
}

extension WorkspaceVolume {
    /// As the log calls it.
    var text: String {
        switch self {
        case .workspace(let key): "workspace \(key.name)"
        case .snapshot(let key): "snapshot \(key.name) of workspace \(key.workspace.name)"
        }
    }
}

extension VolumeAmounts {
    fileprivate init(_ quota: WorkspaceQuota) { self.init(bytes: quota.bytes, inodes: quota.inodes) }
}

extension WardenRequest {
    fileprivate init(_ work: WorkspaceWork) {
        switch work {
        case .create(let key, let quota):
            self = .volumeCreate(
                VolumeOrder(VolumeKey(key), limits: VolumeAmounts(quota), allowSoft: quota.allowsSoft))
        case .fork(let source, let key, let quota):
            self = .volumeFork(
                VolumeKey(source, of: key.tenant),
                as: VolumeOrder(
                    VolumeKey(key), limits: VolumeAmounts(quota), allowSoft: quota.allowsSoft))
        case .resize(let key, let quota): self = .volumeResize(VolumeKey(key), VolumeAmounts(quota))
        case .restore(let key, let snapshot):
            self = .volumeRestore(VolumeKey(key), from: VolumeKey(SnapshotKey(snapshot, of: key)))
        case .remove(let key): self = .volumeRemove(VolumeKey(key))
        case .snapshot(let key): self = .volumeSnapshot(VolumeKey(key.workspace), as: VolumeKey(key))
        case .removeSnapshot(let key): self = .volumeRemove(VolumeKey(key))
        }
    }
}
