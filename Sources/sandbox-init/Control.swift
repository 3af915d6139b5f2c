// The init's end of the control socket, and of the status pipe.

import CLinux

/// A message with the descriptors that came along, which are the receiver's to close.
struct Received {
    let message: ControlMessage
    let descriptors: [32 of Int32]
    let count: Int
}

enum Control {
    /// The next message; nil when the launcher is gone or sends what is not a message.
    static func receive() -> Received? {
        var words: [8 of UInt64] = .init(repeating: 0)
        var descriptors: [32 of Int32] = .init(repeating: -1)
        var count = 0
        var truncated: Int32 = 0
        let size = unsafe withUnsafeMutablePointer(to: &words) { bytes in
            unsafe withUnsafeMutablePointer(to: &descriptors) { fds in
                unsafe clinux_receive(
                    PlanFormat.control, bytes, ControlMessage.size,
                    UnsafeMutableRawPointer(fds).assumingMemoryBound(to: Int32.self), &count, &truncated, 0)
            }
        }
        guard size == ControlMessage.size, truncated == 0, let message = ControlMessage(words) else {
            return nil
        }
        return Received(message: message, descriptors: descriptors, count: count)
    }

    /// - Returns: whether the launcher is still there.
    @discardableResult
    static func send(_ message: ControlMessage, _ descriptors: [Int32] = []) -> Bool {
        let words = message.words
        let sent = unsafe withUnsafePointer(to: words) { bytes in
            unsafe descriptors.withUnsafeBufferPointer { fds in
                unsafe clinux_send(PlanFormat.control, bytes, ControlMessage.size, fds.baseAddress, fds.count)
            }
        }
        return sent == ControlMessage.size
    }
}

enum Status {
    /// Writes one record; the pipe holds thousands, so this never blocks.
    static func report(_ record: StatusRecord) {
        let words = record.words
        _ = unsafe withUnsafePointer(to: words) { bytes in
            unsafe clinux_write(PlanFormat.status, bytes, StatusRecord.size)
        }
    }
}
