import CMicroHTTPD
import Glibc
import Linux

/// What the library is given to find the service by.
final class ServiceContext {
    weak var service: HTTPService?
}

/// - Returns: nil with `errno` set. The context must outlive the daemon.
func startDaemon(_ context: ServiceContext, _ limits: ServiceLimits) -> OpaquePointer? {
    var calls = unsafe corral_mhd_callbacks(
        context: Unmanaged.passUnretained(context).toOpaque(), access: access, target: target,
        connection: connectionChanged, completed: completed, log: logged)
    // One more than are accepted: the library counts those that it is just letting go of.
    return unsafe corral_mhd_start(
        CUnsignedInt(limits.connections + 64), limits.memory, limits.stall, &calls)
}

/// The library says nothing else that could be acted on.
private func logged(
    _ context: UnsafeMutableRawPointer?, _ format: UnsafePointer<CChar>?, _ arguments: CVaListPointer?
) {
    guard let service = unsafe service(context), let format = unsafe format,
        let arguments = unsafe arguments, unsafe String(cString: format).hasPrefix("Error processing request")
    else { return }
    // Its first argument is the status, which the text says behind "code is ".
    var line = [CChar](repeating: 0, count: 128)
    _ = unsafe line.withUnsafeMutableBufferPointer { buffer in
        unsafe vsnprintf(buffer.baseAddress, buffer.count, format, arguments)
    }
    let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    guard let range = text.firstRange(of: "code is "),
        let status = Int(text[range.upperBound...].prefix { $0.isNumber })
    else { return }
    service.libraryRefuses(status)
}

private func service(_ context: UnsafeMutableRawPointer?) -> HTTPService? {
    guard let context = unsafe context else { return nil }
    return unsafe Unmanaged<ServiceContext>.fromOpaque(context).takeUnretainedValue().service
}

private func connectionChanged(
    _ context: UnsafeMutableRawPointer?, _ connection: OpaquePointer?,
    _ own: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ code: MHD_ConnectionNotificationCode
) {
    guard let service = unsafe service(context), let connection = unsafe connection, let own = unsafe own
    else { return }
    switch code {
    case .CONNECTION_NOTIFY_STARTED:
        guard let client = unsafe service.opened(connection) else { return }
        unsafe own.pointee = unsafe Unmanaged.passUnretained(client).toOpaque()
    case .CONNECTION_NOTIFY_CLOSED:
        guard let pointer = unsafe own.pointee else { return }
        unsafe own.pointee = nil
        let client = unsafe Unmanaged<Client>.fromOpaque(pointer).takeUnretainedValue()
        service.closed(client)
    }
}

/// The request's line is there. What is returned is the request's own pointer, given back at its end.
private func target(
    _ context: UnsafeMutableRawPointer?, _ target: UnsafePointer<CChar>?, _ connection: OpaquePointer?
) -> UnsafeMutableRawPointer? {
    guard let service = unsafe service(context), let target = unsafe target,
        let connection = unsafe connection,
        let pointer = unsafe corral_mhd_socket_context(connection)
    else { return nil }
    let client = unsafe Unmanaged<Client>.fromOpaque(pointer).takeUnretainedValue()
    let raw = unsafe UnsafeRawBufferPointer(start: target, count: strlen(target))
    let end = UInt(bitPattern: target) + UInt(raw.count)
    let exchange = unsafe Exchange(service, client, connection, target: Array(raw), end: end)
    service.begun(exchange)
    return unsafe Unmanaged.passRetained(exchange).toOpaque()
}

private func access(
    _ context: UnsafeMutableRawPointer?, _ connection: OpaquePointer?, _ url: UnsafePointer<CChar>?,
    _ method: UnsafePointer<CChar>?, _ version: UnsafePointer<CChar>?, _ upload: UnsafePointer<CChar>?,
    _ uploadSize: UnsafeMutablePointer<Int>?, _ own: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> MHD_Result {
    guard let pointer = unsafe own?.pointee, let method = unsafe method, let version = unsafe version,
        let uploadSize = unsafe uploadSize
    else { return .NO }
    let exchange = unsafe Unmanaged<Exchange>.fromOpaque(pointer).takeUnretainedValue()
    // Safety: the library gives `uploadSize` bytes at `upload`, for this call.
    let raw = unsafe UnsafeRawBufferPointer(start: upload, count: uploadSize.pointee)
    let step = unsafe Exchange.Step(
        method: String(cString: method), version: String(cString: version),
        versionAt: UInt(bitPattern: version),
        piece: raw.bindMemory(to: UInt8.self))
    var left = 0
    let goesOn = unsafe exchange.proceed(step, left: &left)
    unsafe uploadSize.pointee = left
    return goesOn ? .YES : .NO
}

private func completed(
    _ context: UnsafeMutableRawPointer?, _ connection: OpaquePointer?,
    _ own: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ code: MHD_RequestTerminationCode
) {
    guard let own = unsafe own, let pointer = unsafe own.pointee else { return }
    unsafe own.pointee = nil
    let exchange = unsafe Unmanaged<Exchange>.fromOpaque(pointer).takeRetainedValue()
    exchange.over(completely: code == .REQUEST_TERMINATED_COMPLETED_OK)
}
