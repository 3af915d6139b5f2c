import CLinux
import Glibc
import Linux

/// Watches a connection that libmicrohttpd has suspended and therefore does not look at.
///
/// Told is that both directions are over, as when the client died. A client that only sends nothing
/// more (shutdown(2)) still wants its answer: on a unix socket the kernel tells the two apart. On one of TCP it
/// cannot, and who sends nothing more is taken to be gone, as by most servers.
final class HangUpWatch: EventHandler {
    private let loop: EventLoop
    private let descriptor: FileDescriptor
    private var token: EventLoop.Token?
    private let ends: Events
    private let action: () -> Void

    /// - Parameter socket: duplicated, since it is the library's.
    static func make(
        on loop: EventLoop, socket: CInt, isNetwork: Bool, _ action: @escaping () -> Void
    ) throws(SystemError) -> HangUpWatch {
        let copy = try call("fcntl(F_DUPFD_CLOEXEC)") { fcntl(socket, F_DUPFD_CLOEXEC, 3) }
        let ends: Events = isNetwork ? [.hungUp, .failed, .peerClosed] : [.hungUp, .failed]
        let watch = HangUpWatch(loop, FileDescriptor(owning: copy), ends, action)
        // Hang-ups and failures are told without being asked for.
        watch.token = try loop.add(watch.descriptor, for: ends.with(.edgeTriggered), handler: watch)
        return watch
    }

    private init(
        _ loop: EventLoop, _ descriptor: consuming FileDescriptor, _ ends: Events,
        _ action: @escaping () -> Void
    ) {
        self.ends = ends
        self.loop = loop
        self.descriptor = descriptor
        self.action = action
    }

    func cancel() {
        guard let token else { return }
        loop.remove(descriptor, token)
        self.token = nil
    }

    func ready(_ token: EventLoop.Token, _ events: Events) {
        if events.hasAny(of: ends) { action() }
    }
}
