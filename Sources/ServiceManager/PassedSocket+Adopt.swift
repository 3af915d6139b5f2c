import Glibc
package import Linux

// Whether what was passed is what a service can serve at.

extension PassedSocket {
    /// Takes a stream socket of the file system that listens, as its owner.
    ///
    /// - Parameters:
    ///   - path: where clients look for it.
    ///   - queue: connections that may wait to be accepted.
    /// - Throws: for anything else, with what it is and what was expected. The descriptor is then left as it was.
    package func adopt(listeningAt path: String, queue: CInt) throws(ManagerProblem) -> FileDescriptor {
        if let fault { throw ManagerProblem("\(told) \(fault); expected a unix stream socket that listens") }
        let own = boundPath()
        guard own == path else {
            let place = own.map { "listens at \($0)" } ?? "has no path"
            throw ManagerProblem(
                "\(told) \(place), and clients look at \(path); make ListenStream= of the socket's unit and the "
                    + "setting socket.path the same")
        }
        let socket = FileDescriptor(owning: number)
        do throws(SystemError) {
            try socket.setNonBlocking()
            // Again, so that clients see this process at the other end and not the manager (unix(7),
            // SO_PEERCRED: of whoever called listen). Connections that wait stay.
            try socket.listen(queue: queue)
            return socket
        } catch {
            throw ManagerProblem("\(told): \(error)")
        }
    }

    /// What it is called in messages.
    private var told: String { "the socket \(name) that the service manager passed (descriptor \(number))" }

    /// What is wrong with it, if anything.
    private var fault: String? {
        guard let family = option(SO_DOMAIN) else { return "is no socket" }
        if family != AF_UNIX { return "is of another family" }
        if option(SO_TYPE) != CInt(SOCK_STREAM.rawValue) { return "is of another type" }
        return option(SO_ACCEPTCONN) == 1 ? nil : "does not listen"
    }

    private func option(_ option: CInt) -> CInt? {
        var value: CInt = 0
        var size = socklen_t(MemoryLayout<CInt>.size)
        return unsafe getsockopt(number, SOL_SOCKET, option, &value, &size) == 0 ? value : nil
    }

    /// The path that it is bound to (getsockname(2)); nil where it has none in the file system.
    private func boundPath() -> String? {
        var name = sockaddr_un()
        var size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let result = unsafe withUnsafeMutablePointer(to: &name) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe getsockname(number, $0, &size)
            }
        }
        let offset = MemoryLayout<sa_family_t>.size
        guard result == 0, Int(size) > offset else { return nil }
        let bytes = unsafe withUnsafeBytes(of: &name.sun_path) { unsafe Array($0.prefix(Int(size) - offset)) }
        guard bytes.first != 0 else { return nil }
        return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
}
