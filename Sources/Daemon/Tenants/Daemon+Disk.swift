import Configuration
import Quotas
import Service
import Sessions
import WardenProtocol

// The disk that tenants have: what their volumes may hold together. The ledger refuses volumes beyond a tenant's
// quota; that what is written stays within it, whatever is in the ledger, is the kernel's to see to, and the warden
// is asked for that before anything of a tenant's can grow.

/// What became of asking the warden to hold a tenant's volumes to their total.
enum TenantTotalState: Hashable, Sendable {
    /// The tenant has volumes, and nobody has asked yet.
    case unknown
    /// The kernel refuses what would exceed it; nil for no limit.
    case inForce(UInt64?)
    /// It does not, and why.
    case refused(UInt64?, String)
}

extension Daemon {
    /// What a volume may hold for which nobody says how much.
    var usualVolume: UInt64 { settings.number(.limitVolume) }

    /// More than any volume may have (`limits.volume`): who asks for more is refused by the warden, and the sum of all
    /// can be counted until then.
    private static let mostOfOne: UInt64 = 1 << 50

    /// What is taken for a volume of that size.
    func diskTaken(by bytes: UInt64) -> UInt64 { min(bytes, Daemon.mostOfOne) }

    private func disk(of volume: WorkspaceVolume) -> UInt64 {
        diskTaken(by: workspaces.bytes(of: volume, else: usualVolume) ?? 0)
    }

    // MARK: The ledger

    /// Makes what a volume's tenant has by it what the table says.
    func settleDisk(of volume: WorkspaceVolume) {
        ledger.settle(.disk, of: .volume(volume), for: volume.tenant, to: disk(of: volume), at: now)
    }

    /// Takes what the table says of a volume that is to be made, or to be larger.
    /// - Parameter undo: puts the table back as it was, where a quota would be exceeded.
    func takeDisk(
        for volume: WorkspaceVolume, undo: (inout WorkspaceTable) -> Void
    ) throws(ServiceError) {
        let bytes = disk(of: volume)
        let before = ledger.has(.volume(volume))[.disk]
        // What becomes smaller is given back when it is.
        guard bytes > before else { return }
        do throws(ServiceError) {
            try reserve([.disk: bytes - before], for: volume.tenant, as: .volume(volume))
        } catch {
            undo(&workspaces)
            throw error
        }
    }

    /// The same for a workspace that is adopted with its snapshots, all of them or none.
    /// - Parameter before: what the table had of the workspace.
    func takeDisk(
        forAdopted key: WorkspaceKey, _ snapshots: [SnapshotKey], before: NamedWorkspace?
    ) throws(ServiceError) {
        let volumes = [.workspace(key)] + snapshots.map { WorkspaceVolume.snapshot($0) }
        do throws(ServiceError) {
            for volume in volumes { try takeDisk(for: volume, undo: { _ in }) }
        } catch {
            workspaces.put(before, at: key)
            for snapshot in snapshots {
                guard var left = workspaces[snapshot] else { continue }
                (left.state, left.bytes) = (.unrecorded, nil)
                workspaces.put(left, at: snapshot)
            }
            for volume in volumes { settleDisk(of: volume) }
            throw error
        }
    }

    // MARK: The kernel

    /// Has the warden hold a tenant's volumes to what the tenant may have, where it does not already.
    /// - Parameters:
    ///   - lost: called where the warden is gone before it answers. The next comparison asks again.
    ///   - then: takes why nothing more may be made.
    func holdToTotal(
        _ tenant: Name, orLost lost: @escaping () -> Void = {}, _ then: @escaping (Refusal?) -> Void
    ) {
        let limit = ledger.limits(of: tenant)[.disk]
        if totals[tenant] == .inForce(limit) { return then(nil) }
        guard let link, link.isOpen else { return lost() }
        link.send(.volumeTotal(tenant: tenant.description, .limit(limit)), orLost: lost) {
            [weak self] answer, _ in
            guard let self else { return }
            switch answer {
            case .volumeTotal(let total) where total.limit == limit:
                totals[tenant] = .inForce(limit)
                then(nil)
            case .refused(let refusal):
                note(refusal.sentence, limit, of: tenant)
                // Without a total what is asked for next has its own answer. Where nothing enforces anything, whoever
                // asks for a volume has to say that this will do. And limits of volumes that add up to more than a
                // total of later stay, with which nothing is added: the ledger sees to that.
                let isNoObstacle =
                    limit == nil
                    || [.volumeNotEnforced, .volumeLimit, .volumeUnsupported].contains(refusal.code)
                then(isNoObstacle ? nil : refusal)
            default:
                let why = "the warden did not put it in force"
                note(why, limit, of: tenant)
                then(limit == nil ? nil : Refusal(.system, "the disk quota of \(tenant): \(why)"))
            }
        }
    }

    private func note(_ why: String, _ limit: UInt64?, of tenant: Name) {
        let state = TenantTotalState.refused(limit, why)
        guard totals[tenant] != state else { return }
        totals[tenant] = state
        if limit != nil {
            log.line(.warning, "its disk quota is not in force: \(why)", tenant: tenant.description)
        }
    }

    /// What could not be in force may be by now: something was made smaller, or is gone.
    func tryTotalAgain(of tenant: Name) {
        if case .refused(.some, _) = totals[tenant] { holdToTotal(tenant) { _ in } }
    }

    /// At once for a tenant that has volumes. For one without any it is done before the first one, so that no image is
    /// made for a number.
    func holdToTotalIfUsed(_ tenant: Name, _ then: @escaping () -> Void) {
        guard totals[tenant] != nil else { return then() }
        holdToTotal(tenant, orLost: then) { _ in then() }
    }

    /// Why the kernel does not hold a tenant to a disk quota; nil where it does.
    func lackOfTotal(of tenant: Name, _ limit: UInt64) -> String? {
        switch totals[tenant] {
        case .inForce(limit): return nil
        case .refused(limit, let why): return why
        case .inForce, .refused, .unknown: return "the warden was not asked for it yet"
        case nil: break
        }
        // It has no volumes yet.
        guard let driver = volumeDriver else {
            return volumeProblem ?? "no warden has told what it can enforce"
        }
        if case .notEnforced(let why) = driver.total { return why }
        return nil
    }
}
