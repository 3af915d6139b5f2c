import CLinux
import Glibc
import Linux
import Sandbox

/// Everything that a warden does before it serves, in the order in which it has to be done.
struct WardenStart {
    let server: WardenServer
    /// Held until the end.
    private let lock: Held<FileDescriptor>?
    private let signals: SignalHandler

    /// Why a warden does not start, as the sentence to show.
    struct Problem: Error, CustomStringConvertible {
        let description: String
    }

    static func make(_ options: WardenOptions, _ log: WardenLog) throws -> WardenStart {
        var lock: Held<FileDescriptor>?
        if let directory = options.state {
            switch try StateLock.take(in: directory) {
            case .some(let file): lock = Held(file)
            case .none: throw Problem(description: "another warden has the state directory \(directory)")
            }
        }
        let loop = try EventLoop()
        // Before anything is started: children inherit no handler, and a signal is an event from here on.
        let signals = try SignalHandler(on: loop)
        let hardLimit = try SelfProtection.raiseDescriptorLimit()
        var settings = WardenServer.Settings(
            allowedUID: options.allowedUID ?? geteuid(), build: CorralVersion.current)
        settings.remarks = protect(options)
        for remark in settings.remarks { log.line(.warning, remark) }
        // Before the engine: leftovers are removed by one warden at a time.
        let listener = try listener(options, settings.allowedUID)
        let engine = try makeEngine(options, log)
        let server = WardenServer(engine, settings, on: loop, hardLimit: hardLimit, log: log)
        try server.listen(on: listener)
        signals.server = server
        log.line(.info, "serving uid \(settings.allowedUID)")
        return WardenStart(server: server, lock: lock, signals: signals)
    }

    private static func listener(_ options: WardenOptions, _ uid: UInt32) throws(SystemError)
        -> FileDescriptor
    {
        switch options.socket {
        case .path(let path): try ListeningSocket.make(at: path, for: uid)
        case .descriptor(let number): try ListeningSocket.adopt(number)
        }
    }

    /// - Returns: what could not be done, a sentence each; nothing of it is needed to launch.
    private static func protect(_ options: WardenOptions) -> [String] {
        var remarks: [String] = []
        do throws(SystemError) {
            try SelfProtection.sparedWhenMemoryRunsOut()
        } catch {
            remarks.append("the warden is not spared when memory runs out: \(error)")
        }
        // An ordinary user's launches copy the mounts anyway, in a user namespace of their own.
        guard geteuid() == 0 else { return remarks }
        do throws(SystemError) {
            let (_, remaining) = try MountRoom.enter(keeping: keptPaths(options))
            if remaining > 0 {
                remarks.append("\(remaining) mounts stay in the warden's mount namespace and make launches slower")
            }
        } catch {
            remarks.append("the warden has no mount namespace of its own: \(error)")
        }
        return remarks
    }
}

/// SIGTERM and SIGINT end everything in order; SIGHUP and SIGPIPE do nothing.
private final class SignalHandler: EventHandler {
    weak var server: WardenServer?
    private let descriptor: FileDescriptor

    init(on loop: EventLoop) throws(SystemError) {
        let numbers = [SIGTERM, SIGINT, SIGHUP, SIGPIPE]
        descriptor = FileDescriptor(
            owning: try call("signalfd") { unsafe clinux_signalfd(numbers, numbers.count) })
        _ = try loop.add(descriptor, for: .readable, handler: self)
    }

    func ready(_ token: EventLoop.Token, _ events: Events) {
        while true {
            let number = clinux_signalfd_read(descriptor.number)
            guard number > 0 else { return }
            if number == SIGTERM || number == SIGINT { server?.end("signal \(number)") }
        }
    }
}

extension WardenStart {
    static func keptPaths(_ options: WardenOptions) -> [String] { [] }
    static func makeEngine(_ options: WardenOptions, _ log: WardenLog) throws -> any SandboxEngine {
        throw Problem(description: "there is no engine")
    }
}
