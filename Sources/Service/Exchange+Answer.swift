import CMicroHTTPD
import Linux

/// Handing an answer to the library, and feeding it when it is a stream.
extension Exchange {
    /// The most bytes that a stream is asked for at once.
    private static let block = 16 << 10

    /// - Returns: false to have the connection closed.
    func queue(_ response: Response) -> Bool {
        var response = response
        if case .upgrade = response.body, service.clients.upgradedCount >= service.limits.upgraded {
            response = .error(
                ServiceError(.unavailable, "\(service.limits.upgraded) connections are upgraded already"))
        }
        client.phase = .answering
        guard let made = unsafe make(response) else {
            if case .stream(let stream) = response.body { stream.finish(.cut) }
            return false
        }
        for header in response.headers {
            // Refused by the library, and left out, when it has a line's end in it.
            _ = unsafe MHD_add_response_header(made, header.name, header.value)
        }
        if let trace = head?.trace.header {
            _ = unsafe MHD_add_response_header(made, trace.name, trace.value)
        }
        if service.isStopping, upgrade == nil {
            _ = unsafe MHD_add_response_header(made, "Connection", "close")
        }
        let result = unsafe MHD_queue_response(connection, CUnsignedInt(response.status), made)
        unsafe MHD_destroy_response(made)
        return result == .YES
    }

    /// The library's form of it, which the caller lets go of.
    private func make(_ response: Response) -> OpaquePointer? {
        var bytes: [UInt8] = []
        switch response.body {
        case .stream(let stream):
            stream.exchange = self
            state = .answering(stream, sourceEnded: false)
            let context = unsafe Unmanaged.passRetained(stream).toOpaque()
            return unsafe corral_mhd_stream(
                stream.length ?? .max, Self.block, readStream, context, releaseStream)
        case .upgrade(let upgrade):
            self.upgrade = upgrade
            state = .answering(nil, sourceEnded: false)
            guard let made = unsafe MHD_create_response_for_upgrade(handOver, nil) else { return nil }
            _ = unsafe MHD_add_response_header(made, "Upgrade", upgrade.name)
            return unsafe made
        case .bytes(let given): bytes = given
        case .empty: break
        }
        state = .answering(nil, sourceEnded: false)
        var span = bytes.mutableSpan
        return unsafe span.withUnsafeMutableBytes { buffer in
            unsafe MHD_create_response_from_buffer(buffer.count, buffer.baseAddress, .RESPMEM_MUST_COPY)
        }
    }

    /// Something happened to a stream that had nothing to send.
    func streamAwake() {
        guard isSuspended, case .answering(let stream?, _) = state else { return }
        stream.beatAt = nil
        resume()
    }

    /// - Returns: bytes put into `memory`, 0 after suspending, or one of the library's two ends.
    fileprivate func read(_ stream: ResponseStream, into memory: inout MutableSpan<UInt8>) -> Int {
        if isGone { return endWithError }
        switch stream.source.next(into: &memory) {
        case .bytes(let count): return count
        case .broken: return endWithError
        case .end:
            state = .answering(stream, sourceEnded: true)
            return endOfStream
        case .nothingYet:
            // Whoever follows something would else hold up the end of the service.
            if service.isStopping { return endOfStream }
            guard suspend() else { return endWithError }
            if let heartbeat = stream.heartbeat {
                let at = Timer.now + heartbeat.every
                stream.beatAt = at
                service.wake(atLatest: at)
            }
            return 0
        }
    }

    /// Sends what keeps a quiet stream alive, when it is time; returns when it is next.
    func beat(now: BootTime) -> BootTime? {
        guard isSuspended, case .answering(let stream?, _) = state, let at = stream.beatAt,
            let heartbeat = stream.heartbeat
        else { return nil }
        if at > now { return at }
        heartbeat.beat()
        return now + heartbeat.every
    }

    /// A stream of which nobody knows the end does not hold up the end of the service.
    func stop() { streamAwake() }
}

// MHD_CONTENT_READER_END_OF_STREAM and _WITH_ERROR, which are macros with a cast.
private let endOfStream = -1
private let endWithError = -2

private func readStream(
    _ context: UnsafeMutableRawPointer?, _ position: UInt64, _ memory: UnsafeMutablePointer<CChar>?,
    _ count: Int
) -> Int {
    guard let context = unsafe context, let memory = unsafe memory else { return endWithError }
    let stream = unsafe Unmanaged<ResponseStream>.fromOpaque(context).takeUnretainedValue()
    guard let exchange = stream.exchange else { return endWithError }
    // Safety: the library gives `count` bytes at `memory`, for this call.
    return unsafe memory.withMemoryRebound(to: UInt8.self, capacity: count) { bytes in
        var span = unsafe MutableSpan(_unsafeStart: bytes, count: count)
        return exchange.read(stream, into: &span)
    }
}

private func releaseStream(_ context: UnsafeMutableRawPointer?) {
    guard let context = unsafe context else { return }
    unsafe Unmanaged<ResponseStream>.fromOpaque(context).release()
}

/// The 101 is sent: the connection's own pointer is the exchange.
private func handOver(
    _ context: UnsafeMutableRawPointer?, _ connection: OpaquePointer?, _ own: UnsafeMutableRawPointer?,
    _ early: UnsafePointer<CChar>?, _ earlyCount: Int, _ socket: CInt, _ handle: OpaquePointer?
) {
    guard let own = unsafe own, let handle = unsafe handle else { return }
    let exchange = unsafe Unmanaged<Exchange>.fromOpaque(own).takeUnretainedValue()
    var bytes: [UInt8] = []
    if let early = unsafe early, earlyCount > 0 {
        let raw = unsafe UnsafeRawBufferPointer(start: early, count: earlyCount)
        unsafe bytes.append(contentsOf: raw)
    }
    unsafe exchange.service.handedOver(exchange, socket, early: bytes, handle)
}
