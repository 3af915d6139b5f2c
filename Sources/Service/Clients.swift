import Glibc
import Linux

/// One connection that speaks HTTP: whose it is, and what it is doing.
final class Client {
    enum Phase {
        /// A head is awaited, or half there.
        case head(since: BootTime)
        /// A body is awaited.
        case body(since: BootTime, received: UInt64, last: BootTime)
        /// The server's turn.
        case answering
    }

    let peer: Peer
    /// The library's; open for as long as this is in the table.
    let socket: CInt
    /// Over its owner's limit: told so, and closed.
    let isRefused: Bool
    /// Nobody was admitted on it yet.
    fileprivate(set) var isStrange = true
    var phase: Phase
    var exchange: Exchange?
    /// How much of the count of what is read was left when the turn began; below 0 for what is not known.
    var readsLeft: CInt = -1

    init(_ peer: Peer, socket: CInt, isRefused: Bool) {
        self.peer = peer
        self.socket = socket
        self.isRefused = isRefused
        phase = .head(since: Timer.now)
    }

    /// When it is cut off, unless something happens; nil while the server has the turn.
    func deadline(_ limits: ServiceLimits) -> BootTime? {
        switch phase {
        case .head(let since): since + headTime(limits)
        case .body(let since, let received, let last):
            // Idle, or bringing so little that it would never end.
            min(last + limits.body, since + limits.body + received * 1_000_000_000 / limits.bodyRate)
        case .answering: nil
        }
    }

    func headTime(_ limits: ServiceLimits) -> BootTime {
        if isRefused { return limits.refusedHead }
        return isStrange ? min(limits.strangersHead, limits.head) : limits.head
    }

    func received(_ count: Int) {
        guard case .body(let since, let received, _) = phase else { return }
        phase = .body(since: since, received: received + UInt64(count), last: Timer.now)
    }

    /// Nothing more goes out.
    func stopSending() { _ = Glibc.shutdown(socket, CInt(SHUT_WR)) }

    /// Ends the connection both ways. The library sees that and closes it.
    func cut() { _ = Glibc.shutdown(socket, CInt(SHUT_RDWR)) }
}

/// The connections of a service, and how many each user or address has.
final class Clients {
    private(set) var all: [ObjectIdentifier: Client] = [:]
    private var perOwner: [Peer.Owner: Int] = [:]
    private var strangers: [Peer.Owner: Int] = [:]
    private var refused = 0
    private var handedOver: [WeakUpgraded] = []
    private(set) var upgradedCount = 0
    /// Called when an upgraded connection's owner has let go of it.
    var onUpgradedGone: (() -> Void)?
    /// Called when an upgraded connection has got a time to be cut off at.
    var onDeadline: ((BootTime) -> Void)?

    private struct WeakUpgraded {
        weak var value: Upgraded?
    }

    /// Every upgraded connection that is still somebody's.
    var upgraded: [Upgraded] { handedOver.compactMap(\.value) }

    /// Whether a connection is taken, and be it only to refuse it in words.
    func admits(_ peer: Peer, _ limits: ServiceLimits) -> Bool {
        hasRoom(for: peer, limits) || refused < limits.refusals
    }

    private func hasRoom(for peer: Peer, _ limits: ServiceLimits) -> Bool {
        perOwner[peer.owner, default: 0] < limits.connectionsPerUser
            && strangers[peer.owner, default: 0] < limits.strangersPerUser
    }

    /// Somebody was admitted on the connection.
    func know(_ client: Client) {
        guard client.isStrange else { return }
        client.isStrange = false
        if !client.isRefused { Self.leave(client.peer.owner, &strangers) }
    }

    func add(_ socket: CInt, _ peer: Peer, _ limits: ServiceLimits) -> Client {
        let isRefused = !hasRoom(for: peer, limits)
        let client = Client(peer, socket: socket, isRefused: isRefused)
        all[ObjectIdentifier(client)] = client
        if isRefused {
            refused += 1
        } else {
            perOwner[peer.owner, default: 0] += 1
            strangers[peer.owner, default: 0] += 1
        }
        return client
    }

    func remove(_ client: Client) {
        guard all.removeValue(forKey: ObjectIdentifier(client)) != nil else { return }
        if client.isRefused {
            refused -= 1
        } else {
            Self.leave(client.peer.owner, &perOwner)
            if client.isStrange { Self.leave(client.peer.owner, &strangers) }
        }
    }

    func upgraded(_ connection: Upgraded) {
        handedOver.removeAll { $0.value == nil }
        handedOver.append(WeakUpgraded(value: connection))
        perOwner[connection.peer.owner, default: 0] += 1
        upgradedCount += 1
    }

    func upgradedGone(_ owner: Peer.Owner) {
        Self.leave(owner, &perOwner)
        upgradedCount -= 1
        onUpgradedGone?()
    }

    private static func leave(_ owner: Peer.Owner, _ counts: inout [Peer.Owner: Int]) {
        let rest = counts[owner, default: 1] - 1
        counts[owner] = rest == 0 ? nil : rest
    }

    // MARK: badges

    /// What those who are being answered, and those who were handed over, were admitted by.
    var badges: Set<UInt32> {
        Set(all.values.compactMap { $0.exchange?.head?.badge } + upgraded.compactMap(\.badge))
    }

    /// Ends whatever goes on for one who is not to be here any longer. A short answer that is on its way already
    /// still gets there.
    func cut(badge: UInt32) {
        for client in all.values {
            guard let exchange = client.exchange, exchange.head?.badge == badge else { continue }
            if !exchange.isAnswered { exchange.lost() }
        }
        for connection in upgraded where connection.badge == badge { connection.cut() }
    }

    /// Cuts off whoever is over its time; returns when the next one will be.
    func sweep(_ limits: ServiceLimits, now: BootTime) -> BootTime? {
        var next: BootTime?
        for client in all.values {
            var deadline = client.deadline(limits)
            if let due = deadline, due <= now {
                client.cut()
                // Until the library has noticed.
                client.phase = .answering
                deadline = nil
            }
            if let beat = client.exchange?.beat(now: now) { deadline = min(deadline ?? beat, beat) }
            if let deadline { next = min(next ?? deadline, deadline) }
        }
        for connection in upgraded {
            guard let deadline = connection.deadline else { continue }
            if deadline <= now {
                connection.cut()
                connection.cutOff(at: nil)
            } else {
                next = min(next ?? deadline, deadline)
            }
        }
        return next
    }
}
