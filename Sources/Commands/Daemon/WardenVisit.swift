import Linux
import Sandbox
import WardenProtocol

/// Asks a warden how it is, where no corrald does: it takes that place for a moment.
final class WardenVisit: WardenLinkDelegate {
    private var isLost = false

    private init() {}

    /// - Returns: nil where nobody listens, or somebody is served, or it is not the caller's to talk to.
    static func status(at socket: String) -> WardenStatus? {
        guard let loop = try? EventLoop() else { return nil }
        defer { loop.removeAll() }
        let visit = WardenVisit()
        let link = try? WardenLink.connect(
            to: socket, build: CorralVersion.current, on: loop, delegate: visit, patience: 5000)
        guard let link else { return nil }
        defer { link.close() }
        var found: WardenStatus?
        link.send(.status) { answer, _ in
            if case .status(let status) = answer { found = status } else { visit.isLost = true }
        }
        let deadline = Timer.now + 5_000_000_000
        while found == nil, !visit.isLost, Timer.now < deadline {
            guard (try? loop.turn(timeout: 100)) != nil else { break }
        }
        return found
    }

    func warden(_ link: WardenLink, tells event: WardenEvent, _ packet: Packet) {}

    func warden(_ link: WardenLink, isLostBecause why: String) { isLost = true }
}
