import Glibc
import Linux
import TestSupport

/// A connection on which a test sends what it likes.
final class RawClient {
    private let socket: FileDescriptor
    private(set) var received: [UInt8] = []
    /// The server has closed the connection.
    private(set) var isClosed = false

    /// Waits for as long as the listener's queue is full.
    init(_ path: String) throws {
        socket = try FileDescriptor.unixSocket(nonBlocking: false)
        try socket.connect(to: path)
        try socket.setNonBlocking()
    }

    var text: String { String(decoding: received, as: UTF8.self) }
    var status: Int? { text.split(separator: " ").dropFirst().first.flatMap { Int($0) } }

    /// Sends all of it; false when the server takes no more.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        return eventually {
            while !rest.isEmpty {
                switch socket.send(rest.span) {
                case .bytes(let count): rest = rest.dropFirst(count)
                case .wouldBlock: return false
                case .failed: return true
                }
            }
            return true
        } && rest.isEmpty
    }

    @discardableResult
    func send(_ text: String) -> Bool { send(Array(text.utf8)) }

    func get(_ target: String, _ headers: String = "") {
        send("GET \(target) HTTP/1.1\r\nHost: x\r\n\(headers)\r\n")
    }

    /// Sends as much as is taken now; returns how much.
    func push(_ bytes: [UInt8]) -> Int {
        if case .bytes(let count) = socket.send(bytes.span) { count } else { 0 }
    }

    /// Reads what is there now, at most a megabyte.
    func read() {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        for _ in 0..<16 where !isClosed {
            var span = chunk.mutableSpan
            var closed: UInt64 = 0
            switch socket.receive(into: &span, closedDescriptors: &closed) {
            case .bytes(0), .failed: isClosed = true
            case .bytes(let count): received += chunk[..<count]
            case .wouldBlock: return
            }
        }
    }

    func forget() { received = [] }

    func sees(_ text: String, within seconds: Double = 60) -> Bool {
        eventually(within: seconds) {
            read()
            return self.text.contains(text)
        }
    }

    func seesEnd(within seconds: Double = 60) -> Bool {
        eventually(within: seconds) {
            read()
            return isClosed
        }
    }

    /// Sends nothing more, but goes on reading.
    func halfClose() { socket.shutdown(.sending) }
}
