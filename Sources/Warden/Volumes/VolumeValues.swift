import Volumes
import WardenProtocol

// Volumes between the protocol's words and the drivers'.

/// What the operator allows of volumes.
struct VolumePolicy: Hashable, Sendable {
    /// The most bytes of one volume, and what one has for which nobody asks for less.
    var bytes: UInt64 = 1 << 30
    /// Volumes and snapshots of everybody together.
    var count = 4096
    /// The most bytes of the image, where there is one.
    var image: UInt64 = 64 << 30
    /// Whether directories without limits will do where limits cannot be had.
    var allowSoft = false
}

extension VolumeName {
    init(_ key: VolumeKey) {
        switch key.kind {
        case .session: self = .session(tenant: key.tenant, id: key.name)
        case .workspace: self = .workspace(tenant: key.tenant, name: key.name)
        case .snapshot: self = .snapshot(tenant: key.tenant, name: key.name)
        }
    }

    var key: VolumeKey {
        switch self {
        case .session(let tenant, let id): VolumeKey(.session, tenant: tenant, name: id)
        case .workspace(let tenant, let name): VolumeKey(.workspace, tenant: tenant, name: name)
        case .snapshot(let tenant, let name): VolumeKey(.snapshot, tenant: tenant, name: name)
        }
    }
}

extension VolumeAmounts {
    init(_ limits: VolumeLimits) { self.init(bytes: limits.bytes, inodes: limits.inodes) }
    init(_ usage: VolumeUsage) { self.init(bytes: usage.bytes, inodes: usage.inodes) }
}

extension VolumeDriverState.Enforcement {
    init(_ enforcement: Enforcement) {
        switch enforcement {
        case .enforced: self = .enforced
        case .countedAsBytes: self = .countedAsBytes
        case .notEnforced(let why): self = .notEnforced(why)
        }
    }
}

extension VolumeDriverState.Kind {
    init(_ kind: DriverKind) {
        switch kind {
        case .btrfs: self = .btrfs
        case .project: self = .project
        case .tmpfs: self = .tmpfs
        case .directory: self = .directory
        }
    }
}

extension VolumeDriverState {
    init(_ report: DriverReport, why: String, troubles: [String]) {
        self.init(
            Kind(report.kind), place: report.place, why: why, isOpen: true, bytes: Enforcement(report.bytes),
            inodes: Enforcement(report.inodes), total: Enforcement(report.total),
            hasSnapshots: report.hasSnapshots, troubles: troubles)
    }

    /// What there would be.
    init(_ choice: DriverChoice, place: String) {
        switch choice {
        case .native, .image:
            self.init(
                .btrfs, place: place, why: choice.why, isOpen: false, bytes: .enforced,
                inodes: .countedAsBytes, total: .enforced, hasSnapshots: true)
        case .project:
            self.init(
                .project, place: place, why: choice.why, isOpen: false, bytes: .enforced, inodes: .enforced,
                total: .enforced, hasSnapshots: true)
        case .directory:
            let none = Enforcement.notEnforced("a directory has no limit")
            self.init(
                .directory, place: place, why: choice.why, isOpen: false, bytes: none, inodes: none,
                total: none, hasSnapshots: true)
        }
    }
}

extension DriverChoice {
    var why: String {
        switch self {
        case .native(let why), .project(let why), .image(_, let why), .directory(let why): why
        }
    }
}

extension VolumeTrouble {
    /// One sentence without a full stop.
    var text: String {
        switch self {
        case .countsInconsistent:
            "the kernel says that its counts are inconsistent, and they still are after it was made to count again "
                + "(`btrfs quota rescan`), so limits may not hold"
        case .notEnforcing:
            "the file system of the volumes keeps no limits any more: somebody has turned its quotas off"
        case .readOnly:
            "the file system of the volumes takes no more writes, as after a failure of its device"
        case .subvolumeInside(let name):
            "\(name) has a subvolume inside, which no limit holds for: the filter of a profile lets ioctls through"
        case .cannotGrow(let error): "the image cannot grow: \(error)"
        }
    }
}

extension Refusal {
    init(_ error: VolumeError) {
        let code = Code(rawValue: error.code) ?? .volumeSystem
        switch error {
        case .belowUse(_, let what, let asked, let used):
            self.init(code, error.description, limit: what, asked: "\(asked)", allowed: "\(used)")
        case .badLimit(let what, let value, let expected):
            self.init(code, error.description, limit: what, asked: "\(value)", allowed: expected)
        case .imageFull(let bound):
            self.init(code, error.description, limit: "volume-image", allowed: "\(bound)")
        default: self.init(code, error.description)
        }
    }
}

/// Carries out what drivers do, with their errors as the protocol has them.
func refusing<Value: ~Copyable>(_ body: () throws(VolumeError) -> Value) throws(Refusal) -> Value {
    do throws(VolumeError) {
        return try body()
    } catch {
        throw Refusal(error)
    }
}
