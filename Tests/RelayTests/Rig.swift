import CLinux
import Glibc
import Linux
import Sandbox
import Testing
import Wire

@testable import Relay

/// A directory that is removed with everything in it (one level).
final class Scratch: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/corral-relay-XXXXXX".utf8CString)
        try #require(unsafe mkdtemp(&template) != nil)
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    deinit {
        for name in ["up", "plugin", "file", "link", "fifo"] { _ = unsafe unlink(file(name)) }
        _ = unsafe rmdir(path)
    }
}

func listen(at path: String, queue: CInt = 16) throws -> FileDescriptor {
    let socket = try FileDescriptor.unixSocket(nonBlocking: false)
    try socket.bind(to: path)
    try socket.listen(queue: queue)
    return socket
}

/// A relay with a host application that listens, between two sockets of one directory.
struct Rig: ~Copyable {
    static let policy = RelayPolicy(frameBytes: 4 << 20, connections: 8, messages: nil)

    let scratch: Scratch
    let host: FileDescriptor
    let relay: RelayThread

    /// - Parameter queue: the host's; 0 holds one connection.
    init(
        policy: RelayPolicy = Rig.policy, peer: UInt32? = getuid(), queue: CInt = 16
    ) throws {
        let scratch = try Scratch()
        let host = try listen(at: scratch.file("up"), queue: queue)
        let upstream = try Upstream.open(path: scratch.file("up"))
        let first = try upstream.connect()
        relay = try RelayThread.start(
            listener: try listen(at: scratch.file("plugin")), upstream: upstream, first: first,
            policy: policy, peer: peer)
        self.scratch = scratch
        self.host = host
    }

    func connectPlugin() throws -> End {
        let socket = try FileDescriptor.unixSocket(nonBlocking: false)
        try socket.connect(to: scratch.file("plugin"))
        return End(socket)
    }

    /// Whether a connection waits for the host, or comes within some milliseconds.
    func connectionComes(within milliseconds: CInt) -> Bool { isReady(host, within: milliseconds) }

    /// The host's next connection.
    func acceptHost() throws -> End {
        guard connectionComes(within: 60_000) else { throw Missing() }
        return try acceptBlocking(host)
    }

    func joined() throws -> Joined {
        let plugin = try connectPlugin()
        return Joined(plugin: plugin, host: try acceptHost())
    }
}

/// A connection whose reads and writes wait. Close-on-exec from the start: a copy in the process of
/// an exit test would keep it open.
func acceptBlocking(_ listener: borrowing FileDescriptor) throws -> End {
    guard isReady(listener, within: 60_000), let socket = try listener.accept() else { throw Missing() }
    let number = socket.number
    _ = try call("fcntl(F_SETFL)") { fcntl(number, F_SETFL, 0) }
    return End(socket)
}

func openDescriptors() -> Int { (0..<CInt(1024)).count { fcntl($0, F_GETFD) >= 0 } }

/// Whether bytes, a connection or an end are there within some milliseconds.
func isReady(_ descriptor: borrowing FileDescriptor, within milliseconds: CInt) -> Bool {
    var state = pollfd(fd: descriptor.number, events: Int16(POLLIN), revents: 0)
    return unsafe poll(&state, 1, milliseconds) == 1
}

struct Missing: Error {}

/// Both outer ends of one relayed connection.
struct Joined: ~Copyable {
    var plugin: End
    var host: End
}

/// A blocking socket that gives up after a minute, so that a lost byte is a failure and no hang.
struct End: ~Copyable {
    let socket: FileDescriptor

    init(_ socket: consuming FileDescriptor) {
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        _ = unsafe setsockopt(socket.number, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        _ = unsafe setsockopt(socket.number, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
        self.socket = socket
    }

    func send(_ bytes: [UInt8]) throws {
        var done = 0
        while done < bytes.count {
            let number = socket.number
            let rest = Array(bytes[done...])
            done += try call("send") { unsafe Glibc.send(number, rest, rest.count, CInt(MSG_NOSIGNAL)) }
        }
    }

    /// What one recv of at most `count` bytes returns; empty at the end of the stream.
    func receiveOnce(_ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let number = socket.number
        let got = try call("recv") { unsafe recv(number, &bytes, count, 0) }
        return Array(bytes[..<got])
    }

    /// `count` bytes, or fewer where the stream ends before.
    func receive(_ count: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let part = try receiveOnce(count - bytes.count)
            if part.isEmpty { break }
            bytes += part
        }
        return bytes
    }

    /// Everything up to the end of the stream; a reset counts as the end.
    func receiveToEnd() throws -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            do throws(SystemError) {
                let number = socket.number
                var part = [UInt8](repeating: 0, count: 65536)
                let got = try call("recv") { unsafe recv(number, &part, part.count, 0) }
                if got == 0 { return bytes }
                bytes += part[..<got]
            } catch {
                if error.errno == .connectionReset { return bytes }
                throw error
            }
        }
    }
}

/// A frame that holds a JSON object of at least `size` bytes.
func frame(_ number: Int, size: Int = 0) -> [UInt8] {
    let head = Array(#"{"id":\#(number),"x":""#.utf8)
    let filling = [UInt8](repeating: UInt8(ascii: "x"), count: max(0, size - head.count - 2))
    return framed(head + filling + Array(#""}"#.utf8))
}
