import Glibc
import Linux
import TestSupport

/// A socket that services send datagrams to, as a service manager has one (sd_notify(3)).
final class NotifySocket {
    private let socket: FileDescriptor

    /// - Parameter name: its path, or `@` and its abstract name.
    init(_ name: String) throws(SystemError) {
        let kind = CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        socket = FileDescriptor(owning: try call("socket") { Glibc.socket(AF_UNIX, kind, 0) })
        let number = socket.number
        _ = try call("bind", on: name) { bindUnix(number, name) }
    }

    /// The next datagram; nil where none comes in so many seconds.
    func next(within seconds: Double = 60) -> String? {
        var waiting = pollfd(fd: socket.number, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&waiting, 1, CInt(seconds * 1000)) == 1 else { return nil }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let room = bytes.count
        let count = unsafe recv(socket.number, &bytes, room, 0)
        return count < 0 ? nil : String(decoding: bytes.prefix(count), as: UTF8.self)
    }

    /// The next datagram that begins so; those before it are dropped.
    func next(beginning start: String, within seconds: Double = 60) -> String? {
        let deadline = Host.now + seconds * Host.patience
        while Host.now < deadline {
            if let text = next(within: max(0.001, deadline - Host.now)), text.hasPrefix(start) { return text }
        }
        return nil
    }
}

/// bind(2) for a path, or for an abstract name that is written with `@`.
private func bindUnix(_ number: CInt, _ name: String) -> CInt {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let path = name.hasPrefix("@") ? [0] + Array(name.utf8.dropFirst()) : Array(name.utf8)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { room in
        for (index, byte) in path.enumerated() { unsafe room[index] = byte }
    }
    let size = socklen_t(MemoryLayout<sa_family_t>.size + path.count)
    return unsafe withUnsafePointer(to: &address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe bind(number, $0, size) }
    }
}
