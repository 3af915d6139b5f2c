import CLinux
import Glibc
package import Linux

/// What came of receiving a message of the protocol.
package enum ChannelTransfer {
    /// The fields that were in a memory file, and the descriptors behind it.
    case message(ReceivedMessage, file: [UInt8]?, Packet)
    case wouldBlock
    case end
    /// A message that is none. Its request, where that much can be known, and what is wrong.
    case malformed(request: UInt64, String)
    case failed(Errno)
}

/// One end of the socket between corrald and the warden: whole messages, out of a queue where the socket is
/// full. Both use it.
package final class MessageChannel {
    private struct Waiting {
        let message: EncodedMessage
        let descriptors: [CInt]
        /// What holds the descriptors open until they are sent.
        let owner: AnyObject?
    }

    package let socket: FileDescriptor
    private var queue: [Waiting] = []
    private var sent = 0
    /// Bytes of the messages that wait.
    package private(set) var waitingBytes = 0

    /// - Parameter socket: connected and non-blocking.
    package init(_ socket: consuming FileDescriptor) { self.socket = socket }

    package var waitingMessages: Int { queue.count - sent }

    /// Sends a message now, or as soon as ``flush()`` can.
    /// - Parameters:
    ///   - descriptors: sent beside it; at most ``WardenFormat/descriptorLimit`` less one.
    ///   - owner: kept until they are sent.
    package func send(
        _ message: EncodedMessage, descriptors: [CInt] = [], keeping owner: AnyObject? = nil
    ) throws(SystemError) {
        if waitingMessages == 0, try pass(message, descriptors) { return }
        queue.append(Waiting(message: message, descriptors: descriptors, owner: owner))
        waitingBytes += message.bytes.count + (message.file?.count ?? 0)
    }

    /// Sends what waits, as far as it goes.
    /// - Returns: whether nothing waits any more.
    @discardableResult
    package func flush() throws(SystemError) -> Bool {
        while sent < queue.count {
            let next = queue[sent]
            guard try pass(next.message, next.descriptors) else { return false }
            waitingBytes -= next.message.bytes.count + (next.message.file?.count ?? 0)
            sent += 1
        }
        queue = []
        sent = 0
        return true
    }

    private func pass(_ message: EncodedMessage, _ descriptors: [CInt]) throws(SystemError) -> Bool {
        let result: Transfer
        if let content = message.file {
            let file = try FileDescriptor.sealedMemory("corral-message", content)
            result = socket.sendPacket(message.bytes, [file.number] + descriptors)
        } else {
            result = socket.sendPacket(message.bytes, descriptors)
        }
        switch result {
        case .bytes: return true
        case .wouldBlock: return false
        case .failed(let errno): throw SystemError("sendmsg", nil, errno)
        }
    }

    /// The next message.
    package func receive() -> ChannelTransfer {
        switch socket.receivePacket(limit: WardenFormat.messageLimit) {
        case .wouldBlock: return .wouldBlock
        case .end: return .end
        case .failed(let errno): return .failed(errno)
        case .tooLarge:
            let most = WardenFormat.messageLimit
            return .malformed(
                request: 0, "a message has at most \(most) bytes and \(CLINUX_MESSAGE_FDS) descriptors")
        case .packet(let packet): return read(packet)
        }
    }

    private func read(_ packet: Packet) -> ChannelTransfer {
        let message: ReceivedMessage
        do throws(WireProblem) {
            message = try ReceivedMessage(packet.bytes)
        } catch {
            return .malformed(request: 0, error.description)
        }
        guard packet.descriptorCount <= WardenFormat.descriptorLimit else {
            return .malformed(
                request: message.request,
                "\(packet.descriptorCount) descriptors came with a message; at most "
                    + "\(WardenFormat.descriptorLimit) may")
        }
        guard let length = message.fileLength else { return .message(message, file: nil, packet) }
        guard let file = packet.takeDescriptor(), let content = file.sealedContent(of: length) else {
            return .malformed(
                request: message.request,
                "fields that are not in the message must be in a sealed memory file of their length")
        }
        return .message(message, file: content, packet)
    }
}

extension FileDescriptor {
    /// A memory file with this content, which nobody can change any more.
    package static func sealedMemory(_ name: String, _ content: [UInt8]) throws(SystemError) -> FileDescriptor
    {
        let memory = FileDescriptor(owning: try call("memfd_create") { unsafe clinux_memfd(name, 0) })
        try memory.writeAll(content)
        let number = memory.number
        _ = try call("fcntl(F_ADD_SEALS)") { clinux_memfd_seal(number) }
        return memory
    }

    /// The content of a sealed memory file of just this length; nil for any other file, of which a read might
    /// wait for ever.
    package borrowing func sealedContent(of length: Int) -> [UInt8]? {
        let number = number
        var status = clinux_stat()
        guard clinux_memfd_is_sealed(number) == 1, unsafe clinux_fstat(number, &status) == 0,
            status.size == UInt64(length)
        else { return nil }
        var content = [UInt8](repeating: 0, count: length)
        var done = 0
        while done < length {
            let offset = done
            var rest = content.mutableSpan
            let count = unsafe rest.withUnsafeMutableBufferPointer { buffer in
                unsafe pread(number, buffer.baseAddress.map { unsafe $0 + offset }, length - offset, offset)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return nil }
            done += count
        }
        return content
    }
}
