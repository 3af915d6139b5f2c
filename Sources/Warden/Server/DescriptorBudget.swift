import WardenProtocol

/// How many descriptors custody holds and may hold: an order that would not fit is refused before it opens
/// any, since a process without descriptors can neither launch nor clean up.
struct DescriptorBudget {
    /// Never given to custody: the loop, the log, both connections, the files of one launch and of one kill,
    /// ``NetworkPool/most`` and the numbers of ``LowDescriptors``.
    static let reserve = 128
    /// What the engine keeps of a running sandbox: pidfd, control socket, lock.
    static let session = 3

    /// The same with what it keeps of a directory of the host.
    static func cost(of order: SessionOrder) -> Int { session + (order.directory == nil ? 0 : 1) }

    let limit: Int
    private(set) var used = 0

    /// - Parameter hardLimit: of open files of this process (RLIMIT_NOFILE).
    init(hardLimit: Int) { limit = max(0, hardLimit - Self.reserve) }

    mutating func take(_ count: Int, for what: String) throws(Refusal) {
        guard used + count <= limit else {
            throw Refusal(
                .descriptors,
                "\(what) takes \(count) descriptors, and \(used) of \(limit) are in use; remove ended sessions, "
                    + "acknowledge ended processes, or raise the limit of open files",
                limit: "descriptors", asked: "\(used + count)", allowed: "\(limit)")
        }
        used += count
    }

    mutating func give(back count: Int) { used = max(0, used - count) }
}
