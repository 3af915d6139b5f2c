import CLinux
import Glibc

/// One message of a SOCK_SEQPACKET socket: its bytes, and the descriptors that came beside them, which the
/// value owns. What nobody takes is closed with it.
package final class Packet {
    package let bytes: [UInt8]
    private var descriptors: [CInt]
    /// How many came.
    package let descriptorCount: Int

    fileprivate init(_ bytes: [UInt8], _ descriptors: [CInt]) {
        self.bytes = bytes
        self.descriptors = descriptors
        descriptorCount = descriptors.count
    }

    deinit { for number in descriptors { _ = close(number) } }

    /// The next descriptor that nobody has taken, in the order in which they were sent.
    package func takeDescriptor() -> FileDescriptor? {
        descriptors.isEmpty ? nil : FileDescriptor(owning: descriptors.removeFirst())
    }
}

/// What came of receiving a message.
package enum PacketTransfer {
    case packet(Packet)
    /// The peer has closed its end.
    case end
    case wouldBlock
    /// A message that is longer than `limit`, or with more descriptors than there is room for. It is gone.
    case tooLarge
    case failed(Errno)
}

/// Sockets of the family AF_UNIX that keep the bounds of messages (unix(7), SOCK_SEQPACKET).
extension FileDescriptor {
    /// A new one, close-on-exec and non-blocking.
    package static func packetSocket() throws(SystemError) -> FileDescriptor {
        FileDescriptor(owning: try call("socket") { clinux_packet_socket() })
    }

    /// Sends one message with descriptors, which stay the caller's, without SIGPIPE.
    /// - Returns: `.wouldBlock` when this socket is non-blocking and full; a message is never sent in part.
    package borrowing func sendPacket(_ bytes: [UInt8], _ descriptors: [CInt] = []) -> Transfer {
        let number = number
        return unsafe bytes.span.withUnsafeBufferPointer { buffer in
            unsafe descriptors.span.withUnsafeBufferPointer { fds in
                while true {
                    let count = unsafe clinux_send(
                        number, buffer.baseAddress, buffer.count, fds.baseAddress, fds.count)
                    if count >= 0 { return .bytes(count) }
                    let code = Errno(rawValue: errno)
                    if code == .interrupted { continue }
                    return code == .wouldBlock ? .wouldBlock : .failed(code)
                }
            }
        }
    }

    /// Receives one message of at most `limit` bytes; waits for it where this socket is blocking.
    package borrowing func receivePacket(limit: Int) -> PacketTransfer {
        let number = number
        var descriptors = [CInt](repeating: -1, count: Int(CLINUX_MESSAGE_FDS))
        var (held, truncated): (Int, CInt) = (0, 0)
        var count = 0
        var code = Errno(rawValue: 0)
        // Most messages are small: what they do not fill is not written to.
        let buffer = unsafe [UInt8](unsafeUninitializedCapacity: limit) { memory, filled in
            repeat {
                count = unsafe clinux_receive(
                    number, memory.baseAddress, limit, &descriptors, &held, &truncated, 0)
                if count < 0 { code = Errno(rawValue: errno) }
            } while count < 0 && code == .interrupted
            filled = max(0, count)
        }
        guard count >= 0 else {
            if code == .wouldBlock { return .wouldBlock }
            return code == .connectionReset ? .end : .failed(code)
        }
        let packet = Packet(buffer, Array(descriptors.prefix(held)))
        if truncated != 0 { return .tooLarge }
        return count == 0 && held == 0 ? .end : .packet(packet)
    }
}
