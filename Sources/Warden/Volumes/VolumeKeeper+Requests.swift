import Launch
import Linux
import Volumes
import WardenProtocol

// What corrald asks of volumes. A corrald that somebody has taken over can do all of this to every tenant's: it cannot
// get more than the operator allows, and nothing but volumes.

extension VolumeKeeper {
    func answer(_ request: WardenRequest) throws(Refusal) -> WardenAnswer {
        switch request {
        case .volumeCreate(let order):
            try only(order.key, [.workspace], "be made by itself")
            _ = try make(order)
            return .volume(try state(order.key))
        case .volumeRemove(let key):
            try only(key, [.workspace, .snapshot], "be removed before its session")
            try remove(key)
            return .done
        case .volumeResize(let key, let limits):
            try only(key, [.workspace, .session], "have other limits")
            try check(limits)
            try refusing { () throws(VolumeError) in
                try driver(for: VolumeName(key)).resize(
                    VolumeName(key), to: VolumeLimits(bytes: limits.bytes, inodes: limits.inodes))
            }
            return .volume(try state(key))
        case .volumeInspect(let key): return .volume(try state(key))
        case .volumeSnapshot(let key, let copy):
            try checkCount()
            try refusing { () throws(VolumeError) in
                try driver(for: VolumeName(key)).snapshot(VolumeName(key), as: VolumeName(copy))
            }
            counted(1)
            return .volume(try state(copy))
        case .volumeRestore(let key, let snapshot):
            try only(key, [.workspace], "be put back")
            try free(key)
            try refusing { () throws(VolumeError) in
                try driver(for: VolumeName(key)).restore(VolumeName(key), from: VolumeName(snapshot))
            }
            settleSoon()
            return .volume(try state(key))
        case .volumeFork(let key, let order): return try fork(key, order)
        case .volumeList(let after): return try list(after)
        case .volumeTotal(let tenant, let order): return try total(tenant, order)
        case .volumeForget(let tenant): return try forget(tenant)
        case .volumeDriver:
            return .volumeDriver(try refusing { () throws(VolumeError) in try driverState() })
        default: throw Refusal(.malformed, "this request is not about volumes")
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

    private func fork(_ key: VolumeKey, _ order: VolumeOrder) throws(Refusal) -> WardenAnswer {
        try only(order.key, [.workspace], "be a fork")
        try check(order.limits)
        try checkCount()
        let most = policy.bytes
        try refusing { () throws(VolumeError) in
            let driver = try driver(for: VolumeName(key))
            // A limit of a time when the operator allowed more is not handed on.
            let own = try driver.limits(of: VolumeName(key)).bytes
            _ = try driver.fork(
                VolumeName(key), as: VolumeName(order.key), request(order, bytes: min(own ?? most, most)))
        }
        counted(1)
        return .volume(try state(order.key))
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
            return try user.mount(volume.directory)
        } catch {
            throw Refusal(.system, "\(name) cannot be mounted: \(error)")
        }
    }
}
