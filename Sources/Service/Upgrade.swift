package import Linux

/// The end of HTTP on a connection: status 101, the new protocol's name, and who speaks it from there.
package struct Upgrade {
    /// Such as `corral-attach/1`.
    package let name: String
    /// Header fields of the 101.
    package var headers: [Header]
    /// Called once the 101 is sent; never when the client is gone before.
    package let begin: (Upgraded) -> Void

    package init(to name: String, headers: [Header] = [], _ begin: @escaping (Upgraded) -> Void) {
        self.name = name
        self.headers = headers
        self.begin = begin
    }
}

/// A connection that HTTP is done with. It counts as its peer's connection until this value goes.
package final class Upgraded {
    /// The socket, non-blocking.
    package let socket: Held<FileDescriptor>
    /// What the client has sent already after its request; to be read before the socket.
    package private(set) var early: [UInt8]
    package let peer: Peer
    /// What the request was admitted by.
    let badge: UInt32?
    /// Called when the server is to stop; whoever owns the connection says goodbye and closes it soon.
    package var onStop: (() -> Void)?
    /// When it is cut off; nil for never.
    private(set) var deadline: BootTime?
    private weak var clients: Clients?

    init(_ socket: consuming FileDescriptor, early: [UInt8], peer: Peer, badge: UInt32?, clients: Clients) {
        self.socket = Held(socket)
        self.early = early
        self.peer = peer
        self.badge = badge
        self.clients = clients
        clients.upgraded(self)
    }

    deinit { clients?.upgradedGone(peer.owner) }

    /// Has both directions ended at a time, unless another is named before; whoever has the connection
    /// sees it hung up.
    package func cutOff(at time: BootTime?) {
        deadline = time
        if let time { clients?.onDeadline?(time) }
    }

    /// Takes the front of the early bytes, at most `count`.
    package func takeEarly(_ count: Int) -> [UInt8] {
        let front = Array(early.prefix(count))
        early.removeFirst(front.count)
        return front
    }

    /// Ends both directions; the descriptor stays open until this value goes.
    func cut() {
        socket.value.shutdown(.sending)
        socket.value.shutdown(.receiving)
    }
}

/// The response that begins an upgrade, for a request that asks for exactly that.
extension Response {
    /// - Throws: `upgrade-required` when the request does not ask for `upgrade.name`.
    package static func upgrade(_ head: RequestHead, _ upgrade: Upgrade) throws(ServiceError) -> Response {
        let wanted = head.headers.words("upgrade")
        guard head.method != "HEAD", head.version == "HTTP/1.1", wanted == [upgrade.name.lowercased()],
            head.headers.words("connection").contains("upgrade")
        else {
            throw ServiceError(
                .upgradeRequired, "this needs an upgrade of the connection to \(upgrade.name)",
                hint: "send Connection: Upgrade and Upgrade: \(upgrade.name)",
                headers: [Header("Upgrade", upgrade.name)])
        }
        return Response(status: 101, headers: upgrade.headers, body: .upgrade(upgrade))
    }
}
