import Launch
import Linux
import Volumes
import WardenProtocol

// What corrald asks of volumes. A corrald that somebody has taken over can do all of this to every tenant's: it cannot
// get more than the operator allows, and nothing but volumes.

extension VolumeKeeper {
    /// Carries it out now, or has it done; `then` is called once, now or later.
    func answer(_ request: WardenRequest, _ then: @escaping (Answer) -> Void) {
        do throws(Refusal) {
            if try begin(request, then) { return }
            then(.done(try answer(request)))
        } catch {
            then(.refused(error))
        }
    }

    /// What came of a request.
    enum Answer {
        case done(WardenAnswer)
        case refused(Refusal)
    }

    /// Has somebody else do what may wait for a disk, and lets what changes a volume wait for those.
    /// - Returns: whether that is so; else it is to be done now.
    private func begin(_ request: WardenRequest, _ then: @escaping (Answer) -> Void) throws(Refusal) -> Bool {
        switch request {
        case .volumeResize(let key, let limits):
            try only(key, [.workspace, .session], "have other limits")
            try check(limits)
            try work(.resize(key, limits), on: [key], then) { [unowned self] () throws(Refusal) in
                try state(key)
            }
        case .volumeSnapshot(let key, let copy):
            try self.copy(.snapshot(key, as: copy), of: key, to: copy, then)
        case .volumeFork(let key, let order): try fork(key, order, then)
        case .volumeRestore(let key, let snapshot):
            try only(key, [.workspace], "be put back")
            try free(key)
            try work(.restore(key, from: snapshot), on: [key, snapshot], isAlone: true, then) {
                [unowned self] () throws(Refusal) in
                settleSoon()
                return try state(key)
            }
        case .volumeCreate(let order):
            if let workers, workers.isBusy(VolumeName(order.key)) {
                return try turn(order.key, request, then)
            }
            guard let driver = driverIfOpen else { return prepare(request, then) }
            guard driver.isShortOfRoom, driver.isGrownElsewhere else { return false }
            grow(driver) { [weak self] in self?.answerNow(request, then) }
        case .volumeTotal(_, .limit): return prepare(request, then)
        case .volumeRemove(let key):
            guard let workers, workers.isBusy(VolumeName(key)) else { return false }
            return try turn(key, request, then)
        default: return false
        }
        return true
    }

    private func prepare(_ request: WardenRequest, _ then: @escaping (Answer) -> Void) -> Bool {
        prepare { [weak self] refusal in
            if let refusal { return then(.refused(refusal)) }
            self?.answerNow(request, then)
        }
    }

    private func answerNow(_ request: WardenRequest, _ then: (Answer) -> Void) {
        do throws(Refusal) {
            then(.done(try answer(request)))
        } catch {
            then(.refused(error))
        }
    }

    /// Does it when nobody works on the volume any more.
    private func turn(
        _ key: VolumeKey, _ request: WardenRequest, _ then: @escaping (Answer) -> Void
    ) throws(Refusal) -> Bool {
        try workers?.add(
            VolumeJob([.volume(VolumeName(key))], nil) { [weak self] _ in self?.answerNow(request, then) })
        return true
    }

    private func answer(_ request: WardenRequest) throws(Refusal) -> WardenAnswer {
        switch request {
        case .volumeCreate(let order):
            try only(order.key, [.workspace], "be made by itself")
            _ = try make(order)
            return .volume(try state(order.key))
        case .volumeRemove(let key):
            try only(key, [.workspace, .snapshot], "be removed before its session")
            try remove(key)
            return .done
        case .volumeInspect(let key): return .volume(try state(key))
        case .volumeList(let after): return try list(after)
        case .volumeTotal(let tenant, let order): return try total(tenant, order)
        case .volumeForget(let tenant): return try forget(tenant)
        case .volumeDriver:
            return .volumeDriver(try refusing { () throws(VolumeError) in try driverState() })
        default: throw Refusal(.malformed, "this request is not about volumes")
        }
    }

    // MARK: Work

    /// Has a piece of work done on volumes that are there.
    /// - Parameters:
    ///   - isAlone: whether no session may begin to use them meanwhile.
    ///   - result: what is answered when it is done.
    private func work(
        _ work: VolumeWork, on keys: [VolumeKey], isAlone: Bool = false, to target: VolumeKey? = nil,
        _ then: @escaping (Answer) -> Void, failed: @escaping () -> Void = {},
        _ result: @escaping () throws(Refusal) -> VolumeState
    ) throws(Refusal) {
        guard let first = keys.first else { return }
        if join(work, then) { return }
        let driver = try refusing { () throws(VolumeError) in try self.driver(for: VolumeName(first)) }
        let lanes = Set(keys.map { VolumeJob.Lane.volume(VolumeName($0)) })
        let shown = target ?? first
        let job = VolumeJob(
            lanes, work, keepsUsersOut: isAlone,
            progress: { [weak self] in self?.tell(.copying(shown, $0)) }
        ) { [weak self] report in
            self?.afterWork(driver)
            let answer: Answer
            do throws(Refusal) {
                if case .refused(let why) = report { throw why }
                answer = .done(.volume(try result()))
            } catch {
                if report != .done { failed() }
                answer = .refused(error)
            }
            for body in self?.waiting.removeValue(forKey: work) ?? [] { body(answer) }
        }
        guard let workers else { throw Refusal(.state, "nobody can work on volumes") }
        waiting[work] = [then]
        do throws(Refusal) {
            try workers.add(job)
        } catch {
            waiting[work] = nil
            throw error
        }
    }

    /// - Returns: whether the same is being done already; then it is answered with that.
    private func join(_ work: VolumeWork, _ then: @escaping (Answer) -> Void) -> Bool {
        guard waiting[work] != nil else { return false }
        waiting[work]?.append(then)
        return true
    }

    /// What a copy that was given up has left is removed when none is being made.
    private func afterWork(_ driver: any VolumeDriver) {
        if driver.report.copiesAtOnce || workers?.isCopying == true { return }
        do throws(VolumeError) {
            try driver.reclaim()
        } catch {
            tell(.remark("what copies left cannot be removed: \(error)"))
        }
        settleSoon()
    }

    /// Makes a volume out of another one.
    private func copy(
        _ work: VolumeWork, of key: VolumeKey, to copy: VolumeKey, _ then: @escaping (Answer) -> Void
    ) throws(Refusal) {
        if join(work, then) { return }
        try checkCount()
        let isAtOnce = try refusing { () throws(VolumeError) in
            try driver(for: VolumeName(key)).report.copiesAtOnce
        }
        // A copy that takes its time would be of no one point in time if somebody wrote meanwhile.
        if !isAtOnce { try free(key) }
        counted(1)
        do throws(Refusal) {
            try self.work(
                work, on: [key, copy], isAlone: !isAtOnce, to: copy, then,
                // Who ended before it said so may have done it.
                failed: { [weak self] in self?.recount() }
            ) { [unowned self] () throws(Refusal) in try state(copy) }
        } catch {
            counted(-1)
            throw error
        }
    }

    /// Refuses kinds that cannot have that done to them.
    private func only(_ key: VolumeKey, _ kinds: [VolumeKey.Kind], _ what: String) throws(Refusal) {
        if kinds.contains(key.kind) { return }
        throw Refusal(.order, "\(key) cannot \(what)")
    }

    /// Refuses one that a sandbox has.
    private func free(_ key: VolumeKey) throws(Refusal) {
        let users = users(of: key)
        guard let first = users.first else { return }
        let others = users.count > 1 ? " and \(users.count - 1) others have" : " has"
        throw Refusal(.volumeInUse, "the session \(first)\(others) \(key) as its workspace")
    }

    /// The sandboxes that have it, in the order of their ids.
    func users(of key: VolumeKey) -> [SandboxID] {
        let name = VolumeName(key)
        return uses.filter { $0.value.name == name }.keys.sorted()
    }

    func state(_ key: VolumeKey) throws(Refusal) -> VolumeState {
        let name = VolumeName(key)
        let users = UInt32(clamping: users(of: key).count)
        return try refusing { () throws(VolumeError) in
            let driver = try driver(for: name)
            return VolumeState(
                key, limits: VolumeAmounts(try driver.limits(of: name)),
                used: VolumeAmounts(try driver.usage(of: name)),
                driver: VolumeDriverState.Kind(driver.report.kind), users: users)
        }
    }

    private func remove(_ key: VolumeKey) throws(Refusal) {
        try free(key)
        try refusing { () throws(VolumeError) in try driver(for: VolumeName(key)).remove(VolumeName(key)) }
        counted(-1)
        settleSoon()
    }

    private func fork(
        _ key: VolumeKey, _ order: VolumeOrder, _ then: @escaping (Answer) -> Void
    ) throws(Refusal) {
        try only(order.key, [.workspace], "be a fork")
        try check(order.limits)
        // A limit of a time when the operator allowed more is not handed on.
        let own = try refusing { () throws(VolumeError) in
            try driver(for: VolumeName(key)).limits(of: VolumeName(key)).bytes
        }
        var order = order
        if order.limits.bytes == nil { order.limits.bytes = min(own ?? policy.bytes, policy.bytes) }
        try copy(.fork(key, as: order), of: key, to: order.key, then)
    }

    private func list(_ after: VolumeKey?) throws(Refusal) -> WardenAnswer {
        // Nothing is made for the question.
        guard driverIfOpen != nil || hasVolumes else { return .volumes([], next: nil) }
        let names = try refusing { () throws(VolumeError) in try driver().list() }
        let keys = names.map(\.key).sorted { $0.description < $1.description }
        let rest = after.map { after in keys.filter { $0.description > after.description } } ?? keys
        let page = Array(rest.prefix(WardenFormat.pageLimit))
        return .volumes(page, next: rest.count > page.count ? page.last : nil)
    }

    private func total(_ tenant: String, _ order: VolumeTotalOrder) throws(Refusal) -> WardenAnswer {
        if order == .read, driverIfOpen == nil, !hasVolumes { return .volumeTotal(VolumeTotal(used: 0)) }
        let total = try refusing { () throws(VolumeError) in
            let driver = try driver()
            if case .limit(let bytes) = order { try driver.setTotal(of: tenant, bytes: bytes) }
            return try driver.total(of: tenant)
        }
        return .volumeTotal(VolumeTotal(limit: total.limit, used: total.used))
    }

    private func forget(_ tenant: String) throws(Refusal) -> WardenAnswer {
        guard driverIfOpen != nil || hasVolumes else { return .done }
        let isForgotten = try refusing { () throws(VolumeError) in try driver().forget(tenant: tenant) }
        guard isForgotten else { throw Refusal(.state, "the tenant \(tenant) has volumes") }
        settleSoon()
        return .done
    }

    /// The top of a workspace or a snapshot, whose files are the user's.
    func top(of key: VolumeKey, for user: FileUser) throws(Refusal) -> FileDescriptor {
        try only(key, [.workspace, .snapshot], "be opened without its session")
        return try top(of: VolumeName(key), for: user)
    }

    func top(of name: VolumeName, for user: FileUser) throws(Refusal) -> FileDescriptor {
        let volume = try refusing { () throws(VolumeError) in try driver(for: name).open(name) }
        do throws(SystemError) {
            return try user.own(volume.takeMount())
        } catch {
            throw Refusal(.system, "\(name) cannot be mounted: \(error)")
        }
    }
}
