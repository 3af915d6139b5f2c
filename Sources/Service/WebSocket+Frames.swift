import CWslay
import Glibc
import Linux

/// What wslay calls: bytes from and to the socket, and whole messages.
///
/// - Returns: nil when there is no memory.
func makeFrames(_ own: UnsafeMutableRawPointer, maximum: Int) -> OpaquePointer? {
    var calls = wslay_event_callbacks()
    unsafe calls.recv_callback = unsafe receiveBytes
    unsafe calls.send_callback = unsafe sendBytes
    unsafe calls.on_msg_recv_callback = unsafe receivedMessage
    var frames: OpaquePointer?
    guard unsafe wslay_event_context_server_init(&frames, &calls, own) == 0 else { return nil }
    unsafe wslay_event_config_set_max_recv_msg_length(frames, UInt64(maximum))
    return unsafe frames
}

private func socket(_ own: UnsafeMutableRawPointer?) -> WebSocket? {
    unsafe own.map { unsafe Unmanaged<WebSocket>.fromOpaque($0).takeUnretainedValue() }
}

private func fail(_ frames: OpaquePointer?, _ socket: WebSocket?, _ transfer: Transfer) -> Int {
    if transfer != .wouldBlock { socket?.isPeerGone = true }
    let code = transfer == .wouldBlock ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE
    unsafe wslay_event_set_error(frames, CInt(code.rawValue))
    return -1
}

private func receiveBytes(
    _ frames: OpaquePointer?, _ memory: UnsafeMutablePointer<UInt8>?, _ count: Int, _ flags: CInt,
    _ own: UnsafeMutableRawPointer?
) -> Int {
    guard let socket = unsafe socket(own), let memory = unsafe memory, let connection = socket.connection
    else { return unsafe fail(frames, nil, .bytes(0)) }
    let early = connection.takeEarly(count)
    if !early.isEmpty {
        // Safety: wslay gives `count` bytes, and there are no more than that.
        unsafe early.span.withUnsafeBufferPointer { from in
            if let base = from.baseAddress { unsafe memory.update(from: base, count: from.count) }
        }
        return early.count
    }
    guard socket.budget > 0, socket.mayReceive else { return unsafe fail(frames, socket, .wouldBlock) }
    var span = unsafe MutableSpan(_unsafeStart: memory, count: count)
    var closed: UInt64 = 0
    let result = connection.socket.value.receive(into: &span, closedDescriptors: &closed)
    guard case .bytes(let received) = result, received > 0 else { return unsafe fail(frames, socket, result) }
    socket.budget -= received
    return received
}

private func sendBytes(
    _ frames: OpaquePointer?, _ bytes: UnsafePointer<UInt8>?, _ count: Int, _ flags: CInt,
    _ own: UnsafeMutableRawPointer?
) -> Int {
    guard let socket = unsafe socket(own), let bytes = unsafe bytes, let connection = socket.connection
    else { return unsafe fail(frames, nil, .bytes(0)) }
    // Safety: wslay gives `count` bytes, for this call.
    let result = connection.socket.value.send(unsafe Span(_unsafeStart: bytes, count: count))
    guard case .bytes(let sent) = result else { return unsafe fail(frames, socket, result) }
    return sent
}

private func receivedMessage(
    _ frames: OpaquePointer?, _ message: UnsafePointer<wslay_event_on_msg_recv_arg>?,
    _ own: UnsafeMutableRawPointer?
) {
    guard let socket = unsafe socket(own), let message = unsafe message else { return }
    let bytes = unsafe Array(
        UnsafeBufferPointer(start: message.pointee.msg, count: message.pointee.msg_length))
    switch unsafe message.pointee.opcode {
    // wslay has checked that it is UTF-8.
    case 1: socket.onMessage(.text(String(decoding: bytes, as: UTF8.self)))
    case 2: socket.onMessage(.binary(bytes))
    default: break
    }
}
