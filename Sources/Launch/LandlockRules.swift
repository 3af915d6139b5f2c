import InitPlan
import Sandbox

/// What landlock restricts, as far as the kernel's ABI goes (landlock(7)).
struct LandlockRules {
    // LANDLOCK_ACCESS_FS_*, in the order of their bits.
    private static let execute: UInt64 = 1 << 0
    private static let writeFile: UInt64 = 1 << 1
    private static let readFile: UInt64 = 1 << 2
    private static let readDirectory: UInt64 = 1 << 3
    private static let makeCharacterDevice: UInt64 = 1 << 6
    private static let makeBlockDevice: UInt64 = 1 << 11
    private static let truncate: UInt64 = 1 << 14
    private static let ioctlDevice: UInt64 = 1 << 15

    private static let bindTCP: UInt64 = 1 << 0
    private static let connectTCP: UInt64 = 1 << 1
    private static let scopeAbstractSockets: UInt64 = 1 << 0
    private static let scopeSignals: UInt64 = 1 << 1

    let abi: Int
    let without: Set<Layer>
    let policy: LandlockPolicy

    /// The filesystem rights this ABI knows: 13 at first, then REFER, TRUNCATE and IOCTL_DEV.
    private var knownFiles: UInt64 {
        let count: UInt64 =
            switch abi {
            case ..<2: 13
            case 2: 14
            case 3, 4: 15
            default: 16
            }
        return (1 << count) - 1
    }

    private var files: UInt64 { without.contains(.landlockFiles) ? 0 : knownFiles }

    private var tcp: UInt64 {
        guard abi >= 4, !without.contains(.landlockTCP) else { return 0 }
        return (policy.bind == .any ? 0 : LandlockRules.bindTCP)
            | (policy.connect == .any ? 0 : LandlockRules.connectTCP)
    }

    private var scopes: UInt64 {
        abi >= 6 && !without.contains(.landlockScopes)
            ? LandlockRules.scopeAbstractSockets | LandlockRules.scopeSignals : 0
    }

    /// Adds the steps; nothing where nothing would be restricted.
    func add(to list: inout StepList, writable: [String]) {
        guard abi > 0, files | tcp | scopes != 0 else { return }
        list.add(.landlock, "landlock ruleset (ABI \(abi))") { fields in
            fields.integer(files)
            fields.integer(tcp)
            fields.integer(scopes)
            fields.integer(UInt64(min(abi, 6)))
        }
        if files != 0 {
            let read = LandlockRules.execute | LandlockRules.readFile | LandlockRules.readDirectory
            path("/", read, "read and execute", &list)
            let devices =
                LandlockRules.writeFile | LandlockRules.truncate | LandlockRules.ioctlDevice | read
            path("/dev", devices & knownFiles, "use of devices", &list)
            let write =
                knownFiles & ~LandlockRules.makeCharacterDevice & ~LandlockRules.makeBlockDevice
                & ~LandlockRules.ioctlDevice
            for directory in writable { path(directory, write, "write", &list) }
        }
        ports(policy.bind, LandlockRules.bindTCP, "bind", &list)
        ports(policy.connect, LandlockRules.connectTCP, "connect", &list)
    }

    private func path(_ path: String, _ access: UInt64, _ what: String, _ list: inout StepList) {
        list.add(.landlockPath, "landlock: \(what) below \(path)") { fields in
            fields.text(path)
            fields.integer(access)
        }
    }

    private func ports(_ ports: Ports, _ access: UInt64, _ what: String, _ list: inout StepList) {
        guard tcp & access != 0, case .only(let numbers) = ports else { return }
        for number in numbers {
            list.add(.landlockPort, "landlock: \(what) TCP port \(number)") { fields in
                fields.integer(UInt64(number))
                fields.integer(access)
            }
        }
    }

    /// What the three layers amount to with this ABI.
    var states: [Layer: LayerState] {
        if abi == 0 {
            let off = LayerState.off("the kernel has no landlock, or it is not in the lsm= list")
            return [.landlockFiles: off, .landlockTCP: off, .landlockScopes: off]
        }
        var missing: [String] = []
        if abi < 2 { missing.append("moves between directories are all refused (until Linux 5.19)") }
        if abi < 3 { missing.append("truncation is not restricted (until Linux 6.2)") }
        if abi < 5 { missing.append("device ioctls are not restricted (until Linux 6.10)") }
        let open = policy.bind == .any && policy.connect == .any
        return [
            .landlockFiles: missing.isEmpty
                ? .inForce : .partial("landlock ABI \(abi): \(missing.joined(separator: ", "))"),
            .landlockTCP: abi < 4
                ? .off("landlock ABI \(abi) has no TCP rules; they came with 4, Linux 6.7")
                : open ? .off("the profile allows every port") : .inForce,
            .landlockScopes: abi < 6
                ? .off("landlock ABI \(abi) has no scopes; they came with 6, Linux 6.12") : .inForce,
        ]
    }
}
