import Glibc
package import Linux

/// The service manager that has started this process, usually systemd, as far as it wants to hear of it.
///
/// Spoken by hand (sd_notify(3), sd_listen_fds(3)): what libsystemd would bring is more than all of this.
package final class ManagerLink {
    private let address: NotifyAddress?
    /// How long the manager waits for a sign of life, in nanoseconds; nil where it does not.
    package let patience: UInt64?
    /// What it has opened for this process.
    package let sockets: [PassedSocket]
    /// Called with the first reason why the manager could not be told something.
    package var complain: (String) -> Void = { _ in }
    private var hasComplained = false
    private let socket: Held<FileDescriptor>?
    private var timer: Timer?

    private init(_ variables: ManagerVariables) throws(SystemError) {
        address = variables.notify
        patience = variables.watchdog.map { $0.multipliedReportingOverflow(by: 1000) }.map {
            $0.overflow ? .max : $0.partialValue
        }
        sockets = variables.sockets
        socket = variables.notify == nil ? nil : Held(try FileDescriptor.datagramSocket())
    }

    /// Reads what is for this process in its environment, and takes it out: programs that it starts are not the
    /// service. Call it before there are other threads, and before anything is started.
    package static func take() throws(ManagerProblem) -> ManagerLink {
        let variables = try ManagerVariables(pid: getpid()) { name in
            unsafe getenv(name).map { unsafe String(cString: $0) }
        }
        for name in ManagerVariables.names { unsafe unsetenv(name) }
        do throws(SystemError) {
            for socket in variables.sockets {
                _ = try call("fcntl(F_SETFD)", on: "LISTEN_FDS: descriptor \(socket.number)") {
                    fcntl(socket.number, F_SETFD, FD_CLOEXEC)
                }
            }
            return try ManagerLink(variables)
        } catch {
            throw ManagerProblem("\(error)")
        }
    }

    /// Sends a datagram. That nobody takes it is told once, by ``complain``: a service goes on without.
    package func tell(_ notification: Notification) {
        guard let address, let socket else { return }
        do throws(SystemError) {
            try socket.value.send(notification.bytes, to: address)
        } catch {
            if !hasComplained { complain("the service manager cannot be told: \(error)") }
            hasComplained = true
        }
    }

    /// Gives a sign of life twice in each period of the watchdog, from the loop: one that does not go round any
    /// more gives none.
    /// - Parameter status: told with it.
    package func keepWatch(on loop: EventLoop, status: @escaping () -> String) throws(SystemError) {
        guard let patience else { return }
        let period = max(1, patience / 2)
        var next: UInt64 = 0
        let timer = try Timer.make(on: loop) { [weak self] in
            guard let self else { return }
            // A timer may be early.
            if Timer.now >= next {
                tell(.alive(status: status()))
                next = Timer.now &+ period
            }
            self.timer?.fire(atLatest: next)
        }
        self.timer = timer
        tell(.alive(status: status()))
        next = Timer.now &+ period
        timer.fire(atLatest: next)
    }

    /// CLOCK_MONOTONIC in microseconds, as ``Notification/reloading(at:)`` wants it.
    package static var monotonic: UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1000
    }
}

extension FileDescriptor {
    fileprivate static func datagramSocket() throws(SystemError) -> FileDescriptor {
        let kind = CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        return FileDescriptor(owning: try call("socket") { socket(AF_UNIX, kind, 0) })
    }

    /// One datagram, without waiting: a manager that takes none must not hold up a service.
    fileprivate borrowing func send(_ bytes: [UInt8], to address: NotifyAddress) throws(SystemError) {
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        let path = address.bytes
        unsafe withUnsafeMutableBytes(of: &name.sun_path) { room in
            for (index, byte) in path.enumerated() where index < room.count { unsafe room[index] = byte }
        }
        // An abstract name ends where the length says; a path at its zero, which is counted.
        let end = if case .path = address { 1 } else { 0 }
        let size = socklen_t(MemoryLayout<sa_family_t>.size + path.count + end)
        let number = number
        let flags = CInt(MSG_NOSIGNAL | MSG_DONTWAIT)
        _ = try call("sendto", on: "NOTIFY_SOCKET") {
            unsafe withUnsafePointer(to: &name) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                    unsafe bytes.withUnsafeBytes {
                        unsafe sendto(number, $0.baseAddress, $0.count, flags, address, size)
                    }
                }
            }
        }
    }
}
