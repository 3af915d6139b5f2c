/// Which volume: whose, what for, and what it is called. Where it lies below the state directory's root
/// follows from this alone, so that what is found there can be compared with the records.
package enum VolumeName: Hashable, Sendable {
    /// A session's own, gone with it: `sessions/TENANT/ID`.
    case session(tenant: String, id: String)
    /// One that outlives sessions: `workspaces/TENANT/NAME`.
    case workspace(tenant: String, name: String)
    /// What one was at a time, read-only: `snapshots/TENANT/NAME`.
    case snapshot(tenant: String, name: String)

    package static let directories = ["sessions", "workspaces", "snapshots"]

    package var tenant: String {
        switch self {
        case .session(let tenant, _), .workspace(let tenant, _), .snapshot(let tenant, _): tenant
        }
    }

    /// The directory of its kind, one of ``directories``.
    var kind: String {
        switch self {
        case .session: "sessions"
        case .workspace: "workspaces"
        case .snapshot: "snapshots"
        }
    }

    /// Its last component.
    package var name: String {
        switch self {
        case .session(_, let name), .workspace(_, let name), .snapshot(_, let name): name
        }
    }

    /// - Throws: ``VolumeError/badName(_:_:)``.
    func check() throws(VolumeError) {
        try Self.check(tenant)
        try Self.check(name)
    }

    /// The longest name, in bytes: with `.new-` before it still one that a btrfs takes.
    private static let most = 200

    static func check(_ name: String) throws(VolumeError) {
        let bytes = name.utf8
        if bytes.isEmpty || bytes.count > most {
            throw .badName(name, "has \(bytes.count) bytes; expected 1 to \(most)")
        }
        guard let first = bytes.first, isLetterOrDigit(first) else {
            throw .badName(name, "begins with something else than a letter or a digit")
        }
        for byte in bytes where !isLetterOrDigit(byte) && !"._-".utf8.contains(byte) {
            throw .badName(name, "has a character that is none of letters, digits, '.', '_' and '-'")
        }
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }

    /// What lies at `kind/tenant/name`; nil where no volume has such a place.
    init?(kind: String, tenant: String, name: String) {
        switch kind {
        case "sessions": self = .session(tenant: tenant, id: name)
        case "workspaces": self = .workspace(tenant: tenant, name: name)
        case "snapshots": self = .snapshot(tenant: tenant, name: name)
        default: return nil
        }
        do throws(VolumeError) {
            try check()
        } catch {
            return nil
        }
    }
}

extension VolumeName: CustomStringConvertible {
    package var description: String { "\(kind)/\(tenant)/\(name)" }
}
