import Linux

/// Accepts connections for a service, for as long as it has room for them.
///
/// The library could accept by itself, but stops for good when descriptors ran out while a connection was
/// open, and spins when none was.
final class Listener: EventHandler {
    /// How long it waits when there is no descriptor or no memory for a connection.
    private static let pause: BootTime = 100_000_000

    private let loop: EventLoop
    private let descriptor: FileDescriptor
    private weak var service: HTTPService?
    private var token: EventLoop.Token?
    private var isPaused = false

    static func make(
        on loop: EventLoop, _ descriptor: consuming FileDescriptor, for service: HTTPService
    ) throws(SystemError) -> Listener {
        let listener = Listener(loop, descriptor, service)
        listener.token = try loop.add(listener.descriptor, for: .readable, handler: listener)
        return listener
    }

    private init(_ loop: EventLoop, _ descriptor: consuming FileDescriptor, _ service: HTTPService) {
        self.loop = loop
        self.descriptor = descriptor
        self.service = service
    }

    /// Takes it off the loop; with the last reference to it the socket is closed.
    func close() {
        guard let token else { return }
        loop.remove(descriptor, token)
        self.token = nil
    }

    /// Goes on accepting, if it had stopped.
    func resume() {
        guard isPaused, let service, service.hasRoom else { return }
        watch(.readable)
        isPaused = false
    }

    func ready(_ token: EventLoop.Token, _ events: Events) {
        // Bounded, so that a crowd at the door does not hold up those inside.
        for _ in 0..<16 {
            guard let service, service.hasRoom else { return stop() }
            do {
                guard let socket = try descriptor.accept() else { return }
                service.accepted(socket)
            } catch {
                stop()
                return service.wake(atLatest: Timer.now + Self.pause)
            }
        }
    }

    private func stop() {
        watch([])
        isPaused = true
    }

    private func watch(_ events: Events) {
        guard let token else { return }
        // Fails only for a descriptor that is not watched.
        try? loop.change(descriptor, token, to: events)
    }
}
