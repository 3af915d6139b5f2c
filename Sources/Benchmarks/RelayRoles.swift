import CLinux
import CYardstick
import Glibc
import Linux
import Relay
import Sandbox

/// One process of the relay's benchmark, which starts it again under this word:
/// `relay-role ROLE KIND WINDOW PATH`.
///
/// Each gets a listening socket as descriptor 0, where it needs one. The host and the relays end with
/// the pipe at descriptor 1, the plugin and the plain relay with their connection.
func relayRole(_ words: [String]) throws {
    guard words.count == 4, let kind = RelayMessages.Kind(rawValue: words[1]), let window = UInt32(words[2])
    else { throw Options.Problem("relay-role: expected a role, a kind, a window and a path") }
    let listener = FileDescriptor(owning: 0)
    switch words[0] {
    case "plugin": try playPlugin(kind, path: words[3])
    case "host": try playHost(kind, window: window, listener)
    case "plain": try playPlainRelay(listener, path: words[3])
    case "corral": try playCorral(listener, path: words[3])
    default: throw Options.Problem("relay-role: there is no role \(words[0])")
    }
}

private func playPlugin(_ kind: RelayMessages.Kind, path: String) throws {
    let socket = try FileDescriptor.unixSocket(nonBlocking: false)
    try socket.connect(to: path)
    let messages = RelayMessages(kind)
    let number = socket.number
    _ = try call("yardstick_plugin") {
        unsafe withFrame(messages.registration) { registration in
            unsafe withFrame(messages.answer) { answer in
                unsafe yardstick_plugin(number, registration, answer)
            }
        }
    }
}

/// Waits for a number of calls at descriptor 1, makes them and writes the times to descriptor 3.
private func playHost(
    _ kind: RelayMessages.Kind, window: UInt32, _ listener: borrowing FileDescriptor
) throws {
    let socket = try acceptOne(listener, nonBlocking: false)
    let messages = RelayMessages(kind)
    let number = socket.number
    let size = messages.answer.count
    _ = try call("yardstick_welcome") {
        unsafe withFrame(messages.welcome) { unsafe yardstick_welcome(number, $0) }
    }
    var first = RelayMessages.firstNumber
    while true {
        var count: UInt64 = 0
        let got = try call("read") { unsafe read(1, &count, 8) }
        if got == 0 { return }
        var times = yardstick_times()
        let result = unsafe withFrame(messages.call) {
            unsafe yardstick_calls(number, $0, size, first, count, window, &times)
        }
        guard result == 0 else { throw Options.Problem("host: the calls failed: \(result), \(errno)") }
        first += count
        _ = try call("write") { unsafe write(3, &times, MemoryLayout<yardstick_times>.size) }
    }
}

private func playPlainRelay(_ listener: borrowing FileDescriptor, path: String) throws {
    let plugin = try acceptOne(listener, nonBlocking: true)
    let upstream = try FileDescriptor.unixSocket(nonBlocking: false)
    try upstream.connect(to: path)
    try upstream.setNonBlocking()
    let (one, other) = (plugin.number, upstream.number)
    _ = try call("yardstick_relay") { yardstick_relay(one, other) }
}

/// The relay as `corral run` has it, every rule in force; only the rate is above what is measured.
private func playCorral(_ listener: consuming FileDescriptor, path: String) throws {
    var messages = MessagePolicy()
    messages.rate = 1_000_000_000
    messages.burst = 1_000_000_000
    messages.name = "bench"
    messages.id = "bench"
    messages.capabilities = ["visitor_panel"]
    messages.bytesPerHour = 1 << 50
    let relay = try RelayThread.start(
        listener: listener, upstream: try Upstream.open(path: path), first: nil,
        policy: RelayPolicy(frameBytes: 4 << 20, connections: 8, messages: messages), peer: getuid())
    var byte: UInt8 = 0
    _ = try call("read") { unsafe read(1, &byte, 1) }
    let totals = relay.stop()
    if let failure = totals.failure { throw Options.Problem("the relay failed: \(failure)") }
    if let refused = totals.refusals.list.first {
        throw Options.Problem("the relay refused a frame: \(refused.first)")
    }
}

private func acceptOne(_ listener: borrowing FileDescriptor, nonBlocking: Bool) throws -> FileDescriptor {
    var state = pollfd(fd: listener.number, events: Int16(POLLIN), revents: 0)
    // Whoever should come may have failed.
    guard unsafe poll(&state, 1, 10_000) == 1, let connection = try listener.accept() else {
        throw Options.Problem("no connection came")
    }
    let number = connection.number
    if !nonBlocking { _ = try call("fcntl(F_SETFL)") { fcntl(number, F_SETFL, 0) } }
    return connection
}

private func withFrame<Value>(_ bytes: [UInt8], _ body: (yardstick_frame) -> Value) -> Value {
    unsafe bytes.withUnsafeBufferPointer { buffer in
        unsafe body(
            yardstick_frame(
                bytes: buffer.baseAddress, count: buffer.count, id: RelayMessages.numberPlace))
    }
}
