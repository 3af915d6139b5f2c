package import Sandbox

/// Which users of this machine belong to which tenant: `tenants.uids` of corral.yaml, as `1000=red` and
/// `2000-2999=blue`, no user twice.
package struct TenantUIDs: Hashable, Sendable {
    package struct Entry: Hashable, Sendable {
        package let uids: ClosedRange<UInt32>
        /// The tenant's name; whether there is such a tenant is the store's to say.
        package let tenant: String

        /// `1000=red` or `2000-2999=red`.
        package init(_ text: String) throws(ValueError) {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let ends = parts[0].split(separator: "-", omittingEmptySubsequences: false).map { Entry.uid($0) }
            guard parts.count == 2, (1...2).contains(ends.count), let first = ends[0],
                let last = ends[ends.count - 1]
            else {
                throw ValueError(
                    "\(quoted(text)) gives no user a tenant; expected UID=TENANT or FIRST-LAST=TENANT, such as "
                        + "1000=red")
            }
            guard first <= last else {
                throw ValueError("\(quoted(text)) ends before it begins; expected the smaller uid first")
            }
            let name = String(parts[1])
            try Entry.checkName(name)
            (uids, tenant) = (first...last, name)
        }

        /// By the rule for names of tenants.
        static func checkName(_ name: String) throws(ValueError) {
            guard Entry.isName(name) else {
                throw ValueError(
                    "\(quoted(name)) is no name of a tenant; expected 1 to 63 of a-z, 0-9, ., _ and -, the first a "
                        + "letter or digit")
            }
        }

        /// Decimal digits. Root is everybody's administrator and no tenant's; the last number is nobody's (chown(2)).
        private static func uid(_ text: Substring) -> UInt32? {
            guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let uid = UInt32(text),
                (1..<UInt32.max).contains(uid)
            else { return nil }
            return uid
        }

        private static func isName(_ text: String) -> Bool {
            guard let first = text.utf8.first, text.utf8.count <= 63 else { return false }
            func isPlain(_ byte: UInt8) -> Bool {
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            }
            return isPlain(first)
                && text.utf8.allSatisfy { isPlain($0) || [0x2D, 0x2E, 0x5F].contains($0) }
        }

        /// As it is written.
        package var text: String {
            let (first, last) = (uids.lowerBound, uids.upperBound)
            return "\(first == last ? "\(first)" : "\(first)-\(last)")=\(tenant)"
        }
    }

    package private(set) var entries: [Entry] = []

    package init() {}

    package mutating func add(_ text: String) throws(ValueError) {
        let entry = try Entry(text)
        if let other = entries.first(where: { $0.uids.overlaps(entry.uids) }) {
            throw ValueError("\(quoted(text)) has a user of \(quoted(other.text)) in it; expected each once")
        }
        entries.append(entry)
    }

    /// Nil for a user of whom nothing is said.
    package func tenant(of uid: UInt32) -> String? { entries.first { $0.uids.contains(uid) }?.tenant }

    /// The users of a tenant, as they are written: `1000`, `2000-2999`.
    package func uids(of tenant: String) -> [String] {
        entries.filter { $0.tenant == tenant }.map { String($0.text.prefix { $0 != "=" }) }
    }
}

extension Settings {
    /// What `tenants.uids` says. Its items were read by the same rule before.
    package var tenantUIDs: TenantUIDs {
        var uids = TenantUIDs()
        for item in list(.tenantUIDs) {
            do throws(ValueError) {
                try uids.add(item)
            } catch {
                preconditionFailure("\(error)")
            }
        }
        return uids
    }
}
