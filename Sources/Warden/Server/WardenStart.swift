import CLinux
import FailPoints
import Glibc
import Linux
import Preparation
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
        FailPoint.pass(.wardenStarted)
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
        let uid = options.allowedUID ?? geteuid()
        // Before mounts are taken away: its directory may be on one of them.
        let listener = try listener(options, uid)
        let surroundings = try Surroundings.prepare(options)
        for remark in surroundings.remarks { log.line(.warning, remark) }
        let engine = try Engine.make(
            options, hasMountNamespace: surroundings.hasMountNamespace, isSpared: surroundings.isSpared,
            hostNamespace: surroundings.hostNamespace)
        let settings = WardenServer.Settings(
            allowedUID: uid, build: CorralVersion.current, remarks: surroundings.remarks)
        let server = WardenServer(engine, settings, on: loop, hardLimit: hardLimit, log: log)
        try server.listen(on: listener)
        signals.server = server
        log.line(.info, "serving uid \(uid)")
        FailPoint.pass(.wardenServing)
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
}

/// What the warden has around it, as far as this host and this user let it.
private struct Surroundings {
    var hasMountNamespace = false
    /// The one that it was started in, where it is in one of its own.
    var hostNamespace: Held<FileDescriptor>?
    /// Whether the kernel looks for another process when memory runs out.
    var isSpared = false
    /// What could not be done, a sentence each; nothing of it is needed to launch.
    var remarks: [String] = []

    static func prepare(_ options: WardenOptions) throws(PreparationError) -> Surroundings {
        var result = Surroundings()
        do throws(SystemError) {
            try SelfProtection.spareWhenMemoryRunsOut()
            result.isSpared = true
        } catch {
            result.remarks.append("the warden is not spared when memory runs out: \(error)")
        }
        // An ordinary user's launches copy the mounts anyway, in a user namespace of their own.
        guard geteuid() == 0 else { return result }
        let kept = try Engine.keptPaths(options)
        do throws(SystemError) {
            let host = Held(try FileDescriptor.open("/proc/self/ns/mnt", O_RDONLY))
            let remaining = try MountRoom.enter(keeping: kept)
            result.hasMountNamespace = true
            result.hostNamespace = host
            guard remaining > 0 else { return result }
            result.remarks.append("\(remaining) mounts that no launch needs stay, and make each slower")
        } catch {
            result.remarks.append("the warden has no mount namespace of its own: \(error)")
        }
        return result
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
